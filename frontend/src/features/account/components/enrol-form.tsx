"use client";

import { useState, type FormEvent } from "react";
import { useMutation } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import type { Enrolment } from "@/lib/api/identity-types";
import { checkPresent } from "@/lib/credentials";
import { formText } from "@/lib/form";
import { strings } from "@/lib/strings";
import { confirmTotp } from "../api/confirm-totp";

const words = strings.identity.security;

interface EnrolFormProps {
  enrolment: Enrolment;
  onDone: (recoveryCodes: readonly string[]) => void;
}

/** The picture for the app, and the proof that the app works. */
export function EnrolForm({ enrolment, onDone }: EnrolFormProps) {
  const [missing, setMissing] = useState<string>();
  const confirm = useMutation({
    mutationFn: confirmTotp,
    onSuccess: ({ recovery_codes }) => onDone(recovery_codes),
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const code = formText(new FormData(event.currentTarget), "code").trim();
    const error = checkPresent(words.enrolCode, code);
    setMissing(error);
    if (!error) confirm.mutate(code);
  }

  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <p>{words.enrolScan}</p>
      <img
        alt={words.enrolPicture}
        src={`data:image/svg+xml,${encodeURIComponent(enrolment.picture)}`}
        className="mx-auto size-52 rounded-control border border-line"
      />
      <p className="text-ui text-muted">
        {words.enrolType}{" "}
        <code className="font-mono text-hint break-all text-text select-all">{enrolment.secret}</code>
      </p>
      <Field
        label={words.enrolCode}
        hint={words.enrolCodeHint}
        name="code"
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={7}
        autoFocus
        error={missing}
      />
      {confirm.error && <Problem error={confirm.error} />}
      <div className="flex justify-end">
        <Button type="submit" variant="primary" disabled={confirm.isPending}>
          {confirm.isPending ? words.enrolConfirming : words.enrolConfirm}
        </Button>
      </div>
    </form>
  );
}
