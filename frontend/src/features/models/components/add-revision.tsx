"use client";

import { useState, type FormEvent } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Area } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import type { Revision } from "@/lib/api/operation-types";
import { queryKeys } from "@/lib/api/query-keys";
import { formText } from "@/lib/form";
import { operation as words } from "@/lib/strings/operation";
import { addRevision } from "../api/add-revision";
import { nextRevision } from "../shares";

const EXAMPLE = {
  name: "my-model",
  revision: "r1",
  title: "My model",
  engine: "vllm",
  source: { kind: "local", path: "/models/my-model" },
  context_window: 8192,
  max_output_tokens: 2048,
  resources: { cpus: 4, gpus: 1 },
};

interface AddRevisionProps {
  /** What it begins as; null for an example. */
  like: Revision | null;
  /** Names of revisions that there are. */
  taken: readonly string[];
  onDone: () => void;
}

export function AddRevision({ like, taken, onDone }: AddRevisionProps) {
  const client = useQueryClient();
  const [wrong, setWrong] = useState<string | null>(null);
  const add = useMutation({
    mutationFn: addRevision,
    onSuccess: () => {
      onDone();
      return client.invalidateQueries({ queryKey: queryKeys.revisions });
    },
  });
  const begins = like === null ? EXAMPLE : { ...said(like.spec), revision: nextRevision(like.revision, new Set(taken)) };

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    try {
      const spec: unknown = JSON.parse(formText(new FormData(event.currentTarget), "spec"));
      setWrong(null);
      add.mutate(spec);
    } catch (error) {
      setWrong(words.badJson(error instanceof Error ? error.message : ""));
    }
  }

  return (
    <form onSubmit={submit} noValidate aria-label={words.addTitle} className="space-y-4 rounded-control border border-line p-4">
      <Area
        label={words.specification}
        hint={words.addDetail}
        name="spec"
        rows={14}
        defaultValue={JSON.stringify(begins, null, 2)}
        error={wrong ?? undefined}
        code
      />
      {add.error && <Problem error={add.error} />}
      <div className="flex gap-2">
        <Button type="submit" variant="primary" disabled={add.isPending}>
          {add.isPending ? words.keeping : words.keep}
        </Button>
        <Button onClick={onDone}>{words.cancel}</Button>
      </div>
    </form>
  );
}

/** What a specification says, without what it leaves out. */
function said(spec: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null));
}
