"use client";

import { useState, type FormEvent } from "react";
import { useMutation } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { toApiError } from "@/lib/api/error";
import type { Session } from "@/lib/api/types";
import { checkPresent } from "@/lib/credentials";
import { formText } from "@/lib/form";
import { useCountdown } from "@/lib/hooks/use-countdown";
import { canUsePasskeys, showPasskey } from "@/lib/passkey";
import { strings } from "@/lib/strings";
import { loginSecondFactor } from "../api/login-second-factor";
import { loginSecondPasskey } from "../api/login-second-passkey";
import { secondPasskeyOptions } from "../api/second-passkey-options";
import { Submit } from "./submit";

const words = strings.identity.secondStep;

interface SecondStepProps {
  token: string;
  methods: readonly string[];
  onSignedIn: (session: Session) => void;
  onBack: () => void;
}

/** Asks for the code, after the password was right. */
export function SecondStep({ token, methods, onSignedIn, onBack }: SecondStepProps) {
  const [missing, setMissing] = useState<string>();
  const finish = useMutation({ mutationFn: loginSecondFactor, onSuccess: onSignedIn });
  const show = useMutation({
    mutationFn: async () =>
      loginSecondPasskey({ token, credential: await showPasskey(await secondPasskeyOptions(token)) }),
    onSuccess: onSignedIn,
  });
  const failed = finish.error ?? show.error;
  const problem = failed && toApiError(failed);
  const wait = useCountdown(problem?.retryAfterMs ? finish.submittedAt + problem.retryAfterMs : null);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const code = formText(new FormData(event.currentTarget), "code").trim();
    const error = checkPresent(words.code, code);
    setMissing(error);
    if (!error) finish.mutate({ token, code });
  }

  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      {problem && (
        <Notice tone="danger" urgent>
          {problem.message}
        </Notice>
      )}
      <Field
        label={words.code}
        hint={words.hint}
        name="code"
        autoComplete="one-time-code"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={64}
        autoFocus
        required
        error={missing}
      />
      {methods.includes("passkey") && canUsePasskeys() && (
        <Button className="h-11 w-full" disabled={show.isPending} onClick={() => show.mutate()}>
          {show.isPending ? strings.identity.passkeys.using : strings.identity.passkeys.useHere}
        </Button>
      )}
      <Submit busy={finish.isPending || finish.isSuccess} wait={wait} label={words.submit} busyLabel={words.busy} />
      <Button variant="ghost" className="w-full" onClick={onBack}>
        {words.back}
      </Button>
    </form>
  );
}
