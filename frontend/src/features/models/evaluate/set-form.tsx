import { useState, type FormEvent } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Area, Field } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import type { EvaluationSet } from "@/lib/api/operation-types";
import { queryKeys } from "@/lib/api/query-keys";
import { formText } from "@/lib/form";
import { operation as words } from "@/lib/strings/operation";
import { keepEvaluationSet } from "../api/keep-evaluation-set";

const EXAMPLE = {
  pass_share: 0.9,
  cases: [
    { prompt: "What is the capital of France?", check: { kind: "contains", text: "Paris" } },
    { prompt: "Answer with a JSON object that has an age.", check: { kind: "json_schema", schema: { required: ["age"] } } },
  ],
};

/** What a set asks, as JSON; null for a new one. */
export function SetForm({ set, onDone }: { set: EvaluationSet | null; onDone: () => void }) {
  const client = useQueryClient();
  const [wrong, setWrong] = useState<string | null>(null);
  const keep = useMutation({
    mutationFn: ({ name, body }: { name: string; body: unknown }) => keepEvaluationSet(name, body),
    onSuccess: () => {
      onDone();
      return client.invalidateQueries({ queryKey: queryKeys.evaluationSets });
    },
  });
  const begins = set === null ? EXAMPLE : { pass_share: set.pass_share, cases: set.cases };

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    try {
      const body: unknown = JSON.parse(formText(data, "cases"));
      setWrong(null);
      keep.mutate({ name: set?.name ?? formText(data, "name").trim(), body });
    } catch (error) {
      setWrong(words.badJson(error instanceof Error ? error.message : ""));
    }
  }

  return (
    <form onSubmit={submit} noValidate aria-label={words.setTitle} className="space-y-4 rounded-control border border-line p-4">
      {set === null && <Field label={words.setName} hint={words.setNameHint} name="name" autoComplete="off" maxLength={63} />}
      <Area
        label={words.cases}
        hint={words.casesHint}
        name="cases"
        rows={12}
        defaultValue={JSON.stringify(begins, null, 2)}
        error={wrong ?? undefined}
        code
      />
      {keep.error && <Problem error={keep.error} />}
      <div className="flex gap-2">
        <Button type="submit" variant="primary" disabled={keep.isPending}>
          {keep.isPending ? words.saving : words.save}
        </Button>
        <Button onClick={onDone}>{words.cancel}</Button>
      </div>
    </form>
  );
}
