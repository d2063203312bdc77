"use client";

import { useState, type FormEvent } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import type { Revision } from "@/lib/api/operation-types";
import { queryKeys } from "@/lib/api/query-keys";
import { formText, typedNumber } from "@/lib/form";
import { operation as words } from "@/lib/strings/operation";
import { splitTraffic } from "../api/split-traffic";

interface SplitFormProps {
  name: string;
  /** Those that are ready. */
  revisions: readonly Revision[];
  onDone: () => void;
}

export function SplitForm({ name, revisions, onDone }: SplitFormProps) {
  const client = useQueryClient();
  const [wrong, setWrong] = useState<ReadonlySet<string>>(new Set());
  const save = useMutation({
    mutationFn: (weights: Record<string, number>) => splitTraffic(name, weights),
    onSuccess: () => {
      onDone();
      return client.invalidateQueries({ queryKey: queryKeys.revisions });
    },
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const typed = revisions.map(({ revision }) => [revision, typedNumber(formText(data, revision)) ?? -1] as const);
    const bad = typed.filter(([, weight]) => weight < 0 || weight > 100).map(([revision]) => revision);
    setWrong(new Set(bad));
    if (bad.length === 0) save.mutate(Object.fromEntries(typed));
  }

  return (
    <form onSubmit={submit} noValidate aria-label={words.splitTitle} className="space-y-4 rounded-control border border-line p-4">
      <p className="text-hint text-muted">{words.splitDetail}</p>
      <div className="grid gap-4 sm:grid-cols-3">
        {revisions.map(({ revision, weight }) => (
          <Field
            key={revision}
            label={words.weight(revision)}
            name={revision}
            inputMode="numeric"
            autoComplete="off"
            defaultValue={weight}
            error={wrong.has(revision) ? words.badWeight : undefined}
          />
        ))}
      </div>
      {save.error && <Problem error={save.error} />}
      <div className="flex gap-2">
        <Button type="submit" variant="primary" disabled={save.isPending}>
          {save.isPending ? words.applying : words.apply}
        </Button>
        <Button onClick={onDone}>{words.cancel}</Button>
      </div>
    </form>
  );
}
