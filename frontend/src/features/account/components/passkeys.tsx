"use client";

import { useState, type FormEvent } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Fingerprint, Trash2 } from "lucide-react";
import { useStepUp } from "@/components/step-up/use-step-up";
import { Button, IconButton } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { toApiError } from "@/lib/api/error";
import { queryKeys } from "@/lib/api/query-keys";
import { checkPresent } from "@/lib/credentials";
import { formText } from "@/lib/form";
import { formatWhen } from "@/lib/format";
import { canUsePasskeys, makePasskey } from "@/lib/passkey";
import { strings } from "@/lib/strings";
import { addPasskey } from "../api/add-passkey";
import { newPasskeyOptions } from "../api/new-passkey-options";
import { passkeysQuery } from "../api/passkeys";
import { removePasskey } from "../api/remove-passkey";
import { OfferEndOthers } from "./offer-end-others";

const words = strings.identity.passkeys;

export function Passkeys() {
  const client = useQueryClient();
  const stepUp = useStepUp();
  const passkeys = useQuery(passkeysQuery);
  const [missing, setMissing] = useState<string>();
  const refetch = () =>
    Promise.all([
      client.invalidateQueries({ queryKey: queryKeys.passkeys }),
      client.invalidateQueries({ queryKey: queryKeys.factors }),
    ]);
  const add = useMutation({
    mutationFn: async (name: string) => {
      const options = await stepUp.run(newPasskeyOptions);
      return addPasskey({ name, credential: await makePasskey(options) });
    },
    onSuccess: refetch,
  });
  const remove = useMutation({
    mutationFn: (id: string) => stepUp.run(() => removePasskey(id)),
    onSuccess: refetch,
  });
  const problem = [add.error, remove.error].find((error) => error !== null && toApiError(error).code !== "cancelled");

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const name = formText(new FormData(form), "name").trim();
    const error = checkPresent(words.name, name);
    setMissing(error);
    if (!error) add.mutate(name, { onSuccess: () => form.reset() });
  }

  if (passkeys.error)
    return <Problem error={passkeys.error} title={words.loadFailed} onRetry={() => void passkeys.refetch()} />;
  if (!passkeys.data) {
    return (
      <Skeleton>
        <Bone className="h-16 w-full" />
      </Skeleton>
    );
  }
  return (
    <div className="space-y-4">
      {passkeys.data.length > 0 && (
        <ul className="divide-y divide-line rounded-card border border-line">
          {passkeys.data.map((passkey) => (
            <li key={passkey.id} className="flex items-center gap-3 py-3 pr-2 pl-4">
              <Fingerprint aria-hidden className="size-5 shrink-0 text-muted" />
              <div className="min-w-0 flex-1">
                <p className="font-medium">{passkey.name}</p>
                <p className="text-hint text-muted">
                  {passkey.last_used_at
                    ? words.used(formatWhen(passkey.last_used_at, new Date()))
                    : words.made(formatWhen(passkey.created_at, new Date()))}
                </p>
              </div>
              <IconButton
                label={words.remove(passkey.name)}
                disabled={remove.isPending}
                onClick={() => remove.mutate(passkey.id)}
              >
                <Trash2 aria-hidden className="size-4" />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
      {problem && <Problem error={problem} />}
      {add.isSuccess && <OfferEndOthers />}
      {canUsePasskeys() ? (
        <form onSubmit={submit} noValidate className="flex flex-wrap items-start gap-3">
          <Field
            className="min-w-48 flex-1"
            label={words.name}
            name="name"
            placeholder={words.namePlaceholder}
            autoComplete="off"
            maxLength={100}
            error={missing}
          />
          <Button type="submit" className="h-11 sm:mt-[26px]" disabled={add.isPending}>
            {add.isPending ? words.adding : words.add}
          </Button>
        </form>
      ) : (
        <Notice>{words.unknown}</Notice>
      )}
      {stepUp.dialog}
    </div>
  );
}
