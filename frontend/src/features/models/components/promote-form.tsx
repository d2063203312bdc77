"use client";

import { useId, useState, type FormEvent } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Field, inputStyle } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { cn } from "@/lib/cn";
import type { PromotionPlan, Revision } from "@/lib/api/operation-types";
import { queryKeys } from "@/lib/api/query-keys";
import { formText, typedNumber } from "@/lib/form";
import { operation as words } from "@/lib/strings/operation";
import { evaluationSetsQuery } from "../api/evaluation-sets";
import { promote } from "../api/promote";
import { typedSteps } from "../shares";

const NUMBERS = [
  ["seconds", words.seconds, 30],
  ["min_requests", words.requestsPerStep, 20],
  ["patience_seconds", words.patience, 600],
] as const;

/** How a revision is to take over the traffic. */
export function PromoteForm({ revision, onDone }: { revision: Revision; onDone: () => void }) {
  const id = useId();
  const client = useQueryClient();
  const sets = useQuery(evaluationSetsQuery);
  const [wrong, setWrong] = useState<ReadonlySet<string>>(new Set());
  const start = useMutation({
    mutationFn: (plan: PromotionPlan) => promote(revision.name, revision.revision, plan),
    onSuccess: () => {
      onDone();
      void client.invalidateQueries({ queryKey: queryKeys.revisions });
      return client.invalidateQueries({ queryKey: queryKeys.promotions });
    },
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const steps = typedSteps(formText(data, "steps"));
    const numbers = NUMBERS.map(([name]) => [name, typedNumber(formText(data, name)) ?? null] as const);
    const bad = numbers.filter(([, number]) => number === null).map(([name]) => name);
    setWrong(new Set([...bad, ...(steps === null ? ["steps"] : [])]));
    if (steps === null || bad.length > 0) return;
    const [seconds = 0, min_requests = 0, patience = 0] = numbers.map(([, number]) => number ?? 0);
    start.mutate({
      steps,
      seconds,
      min_requests,
      patience_seconds: Math.max(patience, seconds),
      evaluation: formText(data, "evaluation") || null,
      retire_old: data.get("keep") === null,
    });
  }

  return (
    <form
      onSubmit={submit}
      noValidate
      aria-label={words.promoteTitle(revision.revision)}
      className="space-y-4 rounded-control border border-line p-4"
    >
      <h3 className="font-medium">{words.promoteTitle(revision.revision)}</h3>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label={words.steps}
          name="steps"
          autoComplete="off"
          defaultValue="10, 50, 100"
          error={wrong.has("steps") ? words.badSteps : undefined}
        />
        {NUMBERS.map(([name, label, usual]) => (
          <Field
            key={name}
            label={label}
            name={name}
            inputMode="numeric"
            autoComplete="off"
            defaultValue={usual}
            error={wrong.has(name) ? words.badNumber : undefined}
          />
        ))}
      </div>
      {sets.data && sets.data.length > 0 && (
        <div>
          <label htmlFor={id} className="mb-1 block text-ui font-medium">
            {words.evaluation}
          </label>
          <select id={id} name="evaluation" defaultValue="" className={cn(inputStyle, "h-11")}>
            <option value="">{words.noEvaluation}</option>
            {sets.data.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
      )}
      <label className="flex w-fit items-center gap-2">
        <input type="checkbox" name="keep" className="size-4 accent-accent" />
        {words.keepOld}
      </label>
      {start.error && <Problem error={start.error} />}
      <div className="flex gap-2">
        <Button type="submit" variant="primary" disabled={start.isPending}>
          {start.isPending ? words.starting : words.start}
        </Button>
        <Button onClick={onDone}>{words.cancel}</Button>
      </div>
    </form>
  );
}
