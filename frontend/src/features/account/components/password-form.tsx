"use client";

import { useRef, useState, type FormEvent } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { PasswordField } from "@/components/ui/password-field";
import { Problem } from "@/components/ui/problem";
import { toApiError } from "@/lib/api/error";
import { queryKeys } from "@/lib/api/query-keys";
import { checkNewPassword, checkPresent, PASSWORD_MAX, PASSWORD_MIN, PASSWORD_MIN_WITH_FACTOR } from "@/lib/credentials";
import { formText } from "@/lib/form";
import { strings } from "@/lib/strings";
import { changePassword } from "../api/change-password";
import { factorsQuery } from "@/lib/api/factors";

const words = strings.identity.security;

export function PasswordForm() {
  const client = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const factors = useQuery(factorsQuery);
  const least = factors.data && (factors.data.totp_since !== null || factors.data.passkeys > 0) ? PASSWORD_MIN_WITH_FACTOR : PASSWORD_MIN;
  const [wrong, setWrong] = useState<{ current?: string | undefined; next?: string | undefined }>({});
  const change = useMutation({
    mutationFn: changePassword,
    onSuccess: () => {
      form.current?.reset();
      return client.invalidateQueries({ queryKey: queryKeys.devices });
    },
  });
  const problem = change.error && toApiError(change.error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const current = formText(data, "current");
    const next = formText(data, "next");
    const found = { current: checkPresent(words.current, current), next: checkNewPassword(next, least) };
    setWrong(found);
    if (!found.current && !found.next)
      change.mutate({
        current_password: current,
        password: next,
        end_other_sessions: data.get("end_others") !== null,
      });
  }

  return (
    <form ref={form} onSubmit={submit} noValidate className="space-y-4">
      <div className="grid gap-4 sm:grid-cols-2">
        <PasswordField
          label={words.current}
          name="current"
          autoComplete="current-password"
          error={wrong.current ?? (problem?.code === "wrong_credentials" ? problem.message : undefined)}
        />
        <PasswordField
          label={words.next}
          name="next"
          autoComplete="new-password"
          maxLength={PASSWORD_MAX}
          error={wrong.next ?? (problem?.code === "weak_password" ? problem.message : undefined)}
        />
      </div>
      <label className="flex items-center gap-2">
        <input type="checkbox" name="end_others" defaultChecked className="accent-(--accent)" />
        {words.endOthers}
      </label>
      {problem && problem.code !== "wrong_credentials" && problem.code !== "weak_password" && (
        <Problem error={change.error} />
      )}
      {change.isSuccess && <Notice urgent>{words.changed(change.data.ended_sessions)}</Notice>}
      <Button type="submit" disabled={change.isPending}>
        {change.isPending ? words.changing : words.change}
      </Button>
    </form>
  );
}
