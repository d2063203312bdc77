"use client";

import { useState, type FormEvent } from "react";
import Link from "next/link";
import { useMutation } from "@tanstack/react-query";
import { Notice } from "@/components/ui/notice";
import { PasswordField } from "@/components/ui/password-field";
import { toApiError } from "@/lib/api/error";
import { checkNewPassword, PASSWORD_MAX, PASSWORD_MIN_WITH_FACTOR } from "@/lib/credentials";
import { formText } from "@/lib/form";
import { useLinkToken } from "@/lib/hooks/use-link-token";
import { strings } from "@/lib/strings";
import { resetPassword } from "../api/reset-password";
import { EntryFrame } from "./entry-frame";
import { Submit } from "./submit";

const words = strings.identity.reset;
const linkStyle = "font-medium text-accent underline underline-offset-2";

/** Where the link of a mail leads whoever forgot the password. */
export function ResetForm() {
  const token = useLinkToken();
  const [wrong, setWrong] = useState<string>();
  const reset = useMutation({
    mutationFn: resetPassword,
    onSuccess: () => window.history.replaceState(null, "", window.location.pathname),
  });
  const problem = reset.error && toApiError(reset.error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const password = formText(new FormData(event.currentTarget), "password");
    // Whether there is a second factor, which allows a shorter one, only the server knows here.
    const error = checkNewPassword(password, PASSWORD_MIN_WITH_FACTOR);
    setWrong(error);
    if (!error && token) reset.mutate({ token, password });
  }

  const toSignIn = (
    <Link className={linkStyle} href="/sign-in">
      {strings.entry.toSignIn}
    </Link>
  );
  if (reset.isSuccess) {
    return (
      <EntryFrame title={words.title} foot={toSignIn}>
        <Notice urgent>{words.done}</Notice>
      </EntryFrame>
    );
  }
  const askAgain = (
    <Link className={linkStyle} href="/forgotten-password">
      {words.askAgain}
    </Link>
  );
  if (token === "") {
    return (
      <EntryFrame title={words.title} foot={askAgain}>
        <Notice tone="warning">{words.noLink}</Notice>
      </EntryFrame>
    );
  }
  return (
    <EntryFrame title={words.title} foot={problem?.code === "link_used" ? askAgain : toSignIn}>
      <form onSubmit={submit} noValidate className="space-y-4">
        {problem && !problem.fields["password"] && (
          <Notice tone="danger" urgent>
            {problem.message}
          </Notice>
        )}
        <PasswordField
          label={words.password}
          name="password"
          autoComplete="new-password"
          maxLength={PASSWORD_MAX}
          hint={strings.entry.passwordHint}
          autoFocus
          required
          error={wrong ?? problem?.fields["password"]}
        />
        <Submit busy={reset.isPending} wait={0} label={words.submit} busyLabel={words.busy} />
      </form>
    </EntryFrame>
  );
}
