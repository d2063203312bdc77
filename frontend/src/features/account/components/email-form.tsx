"use client";

import { useState, type FormEvent } from "react";
import { useMutation } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { Problem } from "@/components/ui/problem";
import { toApiError } from "@/lib/api/error";
import { checkEmail } from "@/lib/credentials";
import { formText } from "@/lib/form";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";
import { changeEmail } from "../api/change-email";
import { sendVerification } from "../api/send-verification";
import { useStepUp } from "@/components/step-up/use-step-up";

const words = strings.identity.account;

export function EmailForm() {
  const user = useUser();
  const stepUp = useStepUp();
  const [wrong, setWrong] = useState<string>();
  const verification = useMutation({ mutationFn: sendVerification });
  const change = useMutation({ mutationFn: (email: string) => stepUp.run(() => changeEmail(email)) });
  const problem = change.error && toApiError(change.error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const email = formText(new FormData(event.currentTarget), "email").trim();
    const error = checkEmail(email);
    setWrong(error);
    if (!error) change.mutate(email);
  }

  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 rounded-card border border-line px-4 py-3">
        <span className="min-w-0 break-all">{user.email}</span>
        {user.email_verified ? (
          <span className="text-ui text-success">{words.verified}</span>
        ) : (
          <span className="flex flex-wrap items-center gap-3">
            <span className="text-ui text-muted">{words.unverified}</span>
            <Button
              size="sm"
              disabled={verification.isPending || verification.isSuccess}
              onClick={() => verification.mutate(user.email)}
            >
              {verification.isSuccess ? words.verificationSent : words.sendVerification}
            </Button>
          </span>
        )}
      </div>
      {verification.error && <Problem error={verification.error} />}
      <form onSubmit={submit} noValidate className="flex flex-wrap items-start gap-3">
        <Field
          className="min-w-48 flex-1"
          label={words.newEmail}
          name="email"
          type="email"
          autoComplete="email"
          autoCapitalize="none"
          spellCheck={false}
          error={wrong ?? problem?.fields["email"]}
        />
        <Button type="submit" className="mt-[26px] h-11" disabled={change.isPending}>
          {words.changeEmail}
        </Button>
      </form>
      {change.isSuccess && <Notice urgent>{words.emailSent(change.variables)}</Notice>}
      {problem && !problem.fields["email"] && problem.code !== "cancelled" && <Problem error={change.error} />}
      {stepUp.dialog}
    </div>
  );
}
