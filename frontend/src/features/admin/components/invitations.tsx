"use client";

import { useState, type FormEvent } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, Copy, X } from "lucide-react";
import { useStepUp } from "@/components/step-up/use-step-up";
import { Section } from "@/components/account-frame";
import { Button } from "@/components/ui/button";
import { Field, inputStyle } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { toApiError } from "@/lib/api/error";
import { queryKeys } from "@/lib/api/query-keys";
import type { Role } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { checkEmail } from "@/lib/credentials";
import { formText } from "@/lib/form";
import { formatDate } from "@/lib/format";
import { useCopy } from "@/lib/hooks/use-copy";
import { strings } from "@/lib/strings";
import { invitationsQuery } from "../api/invitations";
import { invite } from "../api/invite";
import { takeBack } from "../api/take-back";
import { ROLES } from "./person-row";

const words = strings.identity.people;

export function Invitations() {
  const client = useQueryClient();
  const stepUp = useStepUp();
  const invitations = useQuery(invitationsQuery);
  const [wrong, setWrong] = useState<string>();
  const refetch = () => client.invalidateQueries({ queryKey: queryKeys.invitations });
  const make = useMutation({
    mutationFn: (wanted: Parameters<typeof invite>[0]) => stepUp.run(() => invite(wanted)),
    onSuccess: refetch,
  });
  const end = useMutation({ mutationFn: takeBack, onSettled: refetch });
  const problem = make.error && toApiError(make.error);
  const open = invitations.data?.filter((one) => one.used_at === null && new Date(one.expires_at) > new Date()) ?? [];

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const email = formText(data, "email").trim();
    const error = email === "" ? undefined : checkEmail(email);
    setWrong(error);
    if (error) return;
    const role = formText(data, "role") as Role;
    make.mutate(email === "" ? { role } : { email, role }, { onSuccess: () => form.reset() });
  }

  return (
    <Section title={words.invite} detail={words.inviteDetail}>
      <div className="space-y-4">
        <form onSubmit={submit} noValidate className="flex flex-wrap items-start gap-3">
          <Field
            className="min-w-48 flex-1"
            label={words.inviteEmail}
            name="email"
            type="email"
            autoComplete="off"
            error={wrong ?? problem?.fields["email"]}
          />
          <label>
            <span className="mb-1 block text-ui font-medium">{words.inviteRole}</span>
            <select name="role" className={cn(inputStyle, "h-11 w-36 text-reading")}>
              {ROLES.map((role) => (
                <option key={role} value={role}>
                  {strings.account.roles[role]}
                </option>
              ))}
            </select>
          </label>
          <Button type="submit" className="h-11 sm:mt-[26px]" disabled={make.isPending}>
            {make.isPending ? words.inviteMaking : words.inviteMake}
          </Button>
        </form>
        {problem && !problem.fields["email"] && problem.code !== "cancelled" && <Problem error={make.error} />}
        {make.data && <Link link={make.data.link} onDone={() => make.reset()} />}
        {invitations.error && (
          <Problem
            error={invitations.error}
            title={words.invitationsFailed}
            onRetry={() => void invitations.refetch()}
          />
        )}
        {end.error && <Problem error={end.error} />}
        {open.length > 0 && (
          <ul aria-label={words.inviteOpen} className="divide-y divide-line rounded-card border border-line">
            {open.map((one) => {
              const who = one.email ?? words.inviteAnybody;
              return (
                <li key={one.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2 pr-2 pl-4">
                  <span className="min-w-0 flex-1 basis-48 break-all">{who}</span>
                  <span className="text-hint text-muted">
                    {strings.account.roles[one.role]} · {words.inviteUntil(formatDate(one.expires_at))}
                  </span>
                  <Button
                    size="sm"
                    aria-label={words.takeBackLabel(who)}
                    disabled={end.isPending}
                    onClick={() => end.mutate(one.id)}
                  >
                    {words.takeBack}
                  </Button>
                </li>
              );
            })}
          </ul>
        )}
        {stepUp.dialog}
      </div>
    </Section>
  );
}

function Link({ link, onDone }: { link: string; onDone: () => void }) {
  const { state, copy } = useCopy();
  const CopyIcon = state === "copied" ? Check : state === "failed" ? X : Copy;
  return (
    <section aria-label={words.inviteReady} className="rounded-card border border-success bg-success-soft p-4">
      <h3 className="font-semibold text-success">{words.inviteReady}</h3>
      <p className="mt-1">{words.inviteOnce}</p>
      <div className="mt-3 flex flex-wrap gap-2">
        <code
          tabIndex={0}
          className="min-w-0 flex-1 basis-64 rounded-control border border-line bg-page px-3 py-2.5 font-mono text-hint break-all select-all"
        >
          {link}
        </code>
        <Button onClick={() => copy(link)} autoFocus>
          <CopyIcon aria-hidden className="size-4" />
          {state === "copied" ? strings.chat.copied : state === "failed" ? strings.chat.copyFailed : strings.chat.copy}
        </Button>
        <Button onClick={onDone}>{strings.account.keyDone}</Button>
      </div>
    </section>
  );
}
