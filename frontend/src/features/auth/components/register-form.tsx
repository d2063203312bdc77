"use client";

import { useRef, useState, type FormEvent } from "react";
import Link from "next/link";
import { useRouter, useSearchParams } from "next/navigation";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { ApiError, toApiError } from "@/lib/api/error";
import { queryKeys } from "@/lib/api/query-keys";
import { formText } from "@/lib/form";
import { useCountdown } from "@/lib/hooks/use-countdown";
import { useLinkToken } from "@/lib/hooks/use-link-token";
import { safeReturnPath } from "@/lib/navigation";
import { strings } from "@/lib/strings";
import { login } from "../api/login";
import { register, type Registration } from "../api/register";
import { checkEmail, checkNewPassword, checkPresent, PASSWORD_MAX, type FieldErrors } from "@/lib/credentials";
import { EntryFrame } from "./entry-frame";
import { PasswordField } from "@/components/ui/password-field";
import { Submit } from "./submit";

export function RegisterForm() {
  const router = useRouter();
  const client = useQueryClient();
  const next = useSearchParams().get("next");
  const invitation = useLinkToken();
  const form = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState<FieldErrors>({});
  const [password, setPassword] = useState("");
  const create = useMutation({
    mutationFn: registerAndSignIn,
    onSuccess: ({ user }) => {
      client.clear();
      client.setQueryData(queryKeys.me, user);
      router.replace(safeReturnPath(next));
    },
  });
  const problem = create.error && toApiError(create.error);
  const wait = useCountdown(problem?.retryAfterMs ? create.submittedAt + problem.retryAfterMs : null);
  const fieldErrors = problem?.fields ?? {};

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const registration = {
      name: formText(data, "name").trim(),
      email: formText(data, "email").trim(),
      password: formText(data, "password"),
      ...(invitation ? { invitation } : {}),
    };
    const found = {
      name: checkPresent(strings.entry.name, registration.name),
      email: checkEmail(registration.email),
      password: checkNewPassword(registration.password),
    };
    setErrors(found);
    const wrong = Object.entries(found).find(([, error]) => error)?.[0];
    if (wrong) (form.current?.elements.namedItem(wrong) as HTMLElement | null)?.focus();
    else create.mutate(registration);
  }

  return (
    <EntryFrame
      title={strings.entry.registerTitle}
      foot={
        <>
          {strings.entry.haveAccount}{" "}
          <Link
            className="font-medium text-accent underline underline-offset-2"
            href={next ? `/sign-in?next=${encodeURIComponent(next)}` : "/sign-in"}
          >
            {strings.entry.toSignIn}
          </Link>
        </>
      }
    >
      <form ref={form} onSubmit={submit} noValidate className="space-y-4">
        {problem && Object.keys(fieldErrors).length === 0 && (
          <Notice tone="danger" urgent>
            {problem.message}
          </Notice>
        )}
        <Field
          label={strings.entry.name}
          name="name"
          autoComplete="name"
          maxLength={100}
          autoFocus
          required
          error={errors.name ?? fieldErrors["name"]}
        />
        <Field
          label={strings.entry.email}
          name="email"
          type="email"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          error={errors.email ?? fieldErrors["email"]}
        />
        <PasswordField
          name="password"
          autoComplete="new-password"
          maxLength={PASSWORD_MAX}
          required
          hint={passwordHint(password)}
          error={(errors.password && checkNewPassword(password)) ?? fieldErrors["password"]}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Submit
          busy={create.isPending || create.isSuccess}
          wait={wait}
          label={strings.entry.register}
          busyLabel={strings.entry.registering}
        />
      </form>
    </EntryFrame>
  );
}

function passwordHint(password: string): string {
  if (password === "") return strings.entry.passwordHint;
  return checkNewPassword(password) ?? strings.entry.passwordLongEnough;
}

async function registerAndSignIn(registration: Registration) {
  await register(registration);
  try {
    const answer = await login({ email: registration.email, password: registration.password });
    if ("user" in answer) return answer;
    // A new account has no second factor.
    throw new ApiError("wrong_credentials", "", 401, false);
  } catch (error) {
    // Registering never tells that an account exists, so a wrong password here most likely does.
    if (error instanceof ApiError && error.code === "wrong_credentials") {
      throw new ApiError(error.code, strings.entry.existsAlready, error.status, false);
    }
    throw error;
  }
}
