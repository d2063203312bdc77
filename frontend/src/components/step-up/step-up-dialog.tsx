"use client";

import { useState, type FormEvent } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { PasswordField } from "@/components/ui/password-field";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { checkPresent } from "@/lib/credentials";
import { formText } from "@/lib/form";
import { canUsePasskeys, showPasskey } from "@/lib/passkey";
import { strings } from "@/lib/strings";
import { factorsQuery } from "@/lib/api/factors";
import { stepUp } from "@/lib/api/step-up";
import { stepUpPasskeyOptions } from "@/lib/api/step-up-passkey-options";

const words = strings.identity.stepUp;
const step = strings.identity.secondStep;

interface StepUpDialogProps {
  open: boolean;
  onProved: () => void;
  onCancel: () => void;
}

/** Asks once more who is here: by a code where there is a second factor, else by the password. */
export function StepUpDialog({ open, onProved, onCancel }: StepUpDialogProps) {
  return (
    <Dialog open={open} onOpenChange={(next) => !next && onCancel()} title={words.title}>
      <StepUpForm onProved={onProved} />
    </Dialog>
  );
}

function StepUpForm({ onProved }: { onProved: () => void }) {
  const factors = useQuery(factorsQuery);
  const [missing, setMissing] = useState<string>();
  const prove = useMutation({ mutationFn: stepUp, onSuccess: onProved });
  const withPasskey = factors.data !== undefined && factors.data.passkeys > 0 && canUsePasskeys();
  const withCode = factors.data !== undefined && (factors.data.totp_since !== null || factors.data.passkeys > 0);
  const show = useMutation({
    mutationFn: async () => stepUp({ passkey: await showPasskey(await stepUpPasskeyOptions()) }),
    onSuccess: onProved,
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const value = withCode ? formText(data, "code").trim() : formText(data, "password");
    const error = checkPresent(withCode ? step.code : strings.entry.password, value);
    setMissing(error);
    if (!error) prove.mutate(withCode ? { code: value } : { password: value });
  }

  if (factors.error) return <Problem error={factors.error} onRetry={() => void factors.refetch()} />;
  if (!factors.data) {
    return (
      <Skeleton>
        <Bone className="h-24 w-full" />
      </Skeleton>
    );
  }
  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <p className="text-ui text-muted">{words.detail}</p>
      {withCode ? (
        <Field
          label={step.code}
          hint={step.hint}
          name="code"
          autoComplete="one-time-code"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={64}
          autoFocus
          error={missing}
        />
      ) : (
        <PasswordField name="password" autoComplete="current-password" autoFocus error={missing} />
      )}
      {prove.error && <Problem error={prove.error} />}
      {show.error && <Problem error={show.error} />}
      <div className="flex justify-end gap-2">
        {withPasskey && (
          <Button disabled={show.isPending} onClick={() => show.mutate()}>
            {show.isPending ? strings.identity.passkeys.using : strings.identity.passkeys.useHere}
          </Button>
        )}
        <Button type="submit" variant="primary" disabled={prove.isPending}>
          {prove.isPending ? words.busy : words.submit}
        </Button>
      </div>
    </form>
  );
}
