"use client";

import { useRef, useState, useSyncExternalStore, type FormEvent } from "react";
import Link from "next/link";
import { useRouter, useSearchParams } from "next/navigation";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Fingerprint } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { toApiError } from "@/lib/api/error";
import type { SecondStep as SecondStepAnswer } from "@/lib/api/identity-types";
import { queryKeys } from "@/lib/api/query-keys";
import type { Session } from "@/lib/api/types";
import { formText } from "@/lib/form";
import { useCountdown } from "@/lib/hooks/use-countdown";
import { safeReturnPath } from "@/lib/navigation";
import { canUsePasskeys, showPasskey } from "@/lib/passkey";
import { strings } from "@/lib/strings";
import { login } from "../api/login";
import { loginPasskey } from "../api/login-passkey";
import { passkeyOptions } from "../api/passkey-options";
import { useCameBack } from "@/lib/came-back";
import { checkEmail, checkPresent, type FieldErrors } from "@/lib/credentials";
import { Elsewhere } from "./elsewhere";
import { EntryFrame } from "./entry-frame";
import { PasswordField } from "@/components/ui/password-field";
import { SecondStep } from "./second-step";
import { Submit } from "./submit";

type Step = Pick<SecondStepAnswer["second_factor"], "token"> & { methods: readonly string[] };

const elsewhere = strings.identity.elsewhere;

function known(problem: string): keyof typeof elsewhere.problems {
  return problem === "sign_in_refused" || problem === "provider_failed" ? problem : "other";
}

/** What a browser can does not change while the page is there. */
const never = () => () => undefined;

export function SignInForm() {
  const router = useRouter();
  const client = useQueryClient();
  const next = useSearchParams().get("next");
  const passkeys = useSyncExternalStore(never, canUsePasskeys, () => false);
  const form = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState<FieldErrors>({});
  const cameBack = useCameBack();
  const [begun, setBegun] = useState<Step | null>(null);
  const step = begun ?? cameBack.step;
  const signIn = useMutation({
    mutationFn: login,
    onSuccess: (answer) => {
      if ("second_factor" in answer) setBegun(answer.second_factor);
      else enter(answer);
    },
  });
  const show = useMutation({
    mutationFn: async () => loginPasskey(await showPasskey(await passkeyOptions())),
    onSuccess: enter,
  });
  const failed = signIn.error ?? show.error;
  const problem = failed && toApiError(failed);
  const wait = useCountdown(problem?.retryAfterMs ? signIn.submittedAt + problem.retryAfterMs : null);

  function enter({ user }: Session) {
    client.clear();
    client.setQueryData(queryKeys.me, user);
    router.replace(safeReturnPath(next));
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const credentials = { email: formText(data, "email").trim(), password: formText(data, "password") };
    const found = {
      email: checkEmail(credentials.email),
      password: checkPresent(strings.entry.password, credentials.password),
    };
    setErrors(found);
    const wrong = Object.entries(found).find(([, error]) => error)?.[0];
    if (wrong) (form.current?.elements.namedItem(wrong) as HTMLElement | null)?.focus();
    else signIn.mutate(credentials);
  }

  if (step !== null) {
    return (
      <EntryFrame title={strings.identity.secondStep.title} foot={null}>
        <SecondStep
          token={step.token}
          methods={step.methods}
          onSignedIn={enter}
          onBack={() => {
            signIn.reset();
            setBegun(null);
            window.history.replaceState(null, "", window.location.pathname + window.location.search);
            window.dispatchEvent(new HashChangeEvent("hashchange"));
          }}
        />
      </EntryFrame>
    );
  }

  return (
    <EntryFrame
      title={strings.entry.signInTitle}
      foot={
        <>
          {strings.entry.noAccount}{" "}
          <Link
            className="font-medium text-accent underline underline-offset-2"
            href={next ? `/register?next=${encodeURIComponent(next)}` : "/register"}
          >
            {strings.entry.toRegister}
          </Link>
        </>
      }
    >
      <form ref={form} onSubmit={submit} noValidate className="space-y-4">
        {cameBack.problem !== null && !problem && (
          <Notice tone="danger" urgent>
            {elsewhere.problems[known(cameBack.problem)]}
          </Notice>
        )}
        {next !== null && !problem && cameBack.problem === null && <Notice>{strings.entry.sessionEnded}</Notice>}
        {problem && (
          <Notice tone="danger" urgent>
            {problem.message}
          </Notice>
        )}
        <Field
          label={strings.entry.email}
          name="email"
          type="email"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          error={errors.email ?? problem?.fields["email"]}
        />
        <PasswordField
          name="password"
          autoComplete="current-password"
          required
          error={errors.password ?? problem?.fields["password"]}
        />
        <Submit
          busy={signIn.isPending || signIn.isSuccess}
          wait={wait}
          label={strings.entry.signIn}
          busyLabel={strings.entry.signingIn}
        />
        {passkeys && (
          <Button className="h-11 w-full" disabled={show.isPending} onClick={() => show.mutate()}>
            <Fingerprint aria-hidden className="size-4" />
            {show.isPending ? strings.identity.passkeys.using : strings.identity.passkeys.use}
          </Button>
        )}
        <p className="text-center text-ui">
          <Link className="text-accent underline underline-offset-2" href="/forgotten-password">
            {strings.identity.forgotten.link}
          </Link>
        </p>
      </form>
      <Elsewhere next={next} />
    </EntryFrame>
  );
}
