"use client";

import { useState, type FormEvent } from "react";
import Link from "next/link";
import { useMutation } from "@tanstack/react-query";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { toApiError } from "@/lib/api/error";
import { checkEmail } from "@/lib/credentials";
import { formText } from "@/lib/form";
import { useCountdown } from "@/lib/hooks/use-countdown";
import { strings } from "@/lib/strings";
import { forgottenPassword } from "../api/forgotten-password";
import { EntryFrame } from "./entry-frame";
import { Submit } from "./submit";

const words = strings.identity.forgotten;

export function ForgottenForm() {
  const [wrong, setWrong] = useState<string>();
  const ask = useMutation({ mutationFn: forgottenPassword });
  const problem = ask.error && toApiError(ask.error);
  const wait = useCountdown(problem?.retryAfterMs ? ask.submittedAt + problem.retryAfterMs : null);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const email = formText(new FormData(event.currentTarget), "email").trim();
    const error = checkEmail(email);
    setWrong(error);
    if (!error) ask.mutate(email);
  }

  return (
    <EntryFrame
      title={words.title}
      foot={
        <>
          {words.remembered}{" "}
          <Link className="font-medium text-accent underline underline-offset-2" href="/sign-in">
            {strings.entry.toSignIn}
          </Link>
        </>
      }
    >
      <form onSubmit={submit} noValidate className="space-y-4">
        {problem && (
          <Notice tone="danger" urgent>
            {problem.message}
          </Notice>
        )}
        {ask.isSuccess ? <Notice urgent>{words.sent}</Notice> : <p className="text-ui text-muted">{words.detail}</p>}
        <Field
          label={strings.entry.email}
          name="email"
          type="email"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          error={wrong}
        />
        <Submit
          busy={ask.isPending}
          wait={wait}
          label={ask.isSuccess ? words.again : words.submit}
          busyLabel={words.busy}
        />
      </form>
    </EntryFrame>
  );
}
