import { useId, useState } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { inputStyle } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { cn } from "@/lib/cn";
import type { EvaluationSet, Revision } from "@/lib/api/operation-types";
import { queryKeys } from "@/lib/api/query-keys";
import { operation as words } from "@/lib/strings/operation";
import { dropEvaluationSet } from "../api/drop-evaluation-set";
import { evaluate } from "../api/evaluate";
import { RunResult } from "./run-result";
import { SetForm } from "./set-form";

const idOf = ({ name, revision }: Revision) => `${name}@${revision}`;

/** A set, and a run of it with a revision that is ready. */
export function SetRow({ set, ready }: { set: EvaluationSet; ready: readonly Revision[] }) {
  const id = useId();
  const client = useQueryClient();
  const [editing, setEditing] = useState(false);
  const [chosen, setChosen] = useState("");
  const run = useMutation({ mutationFn: ({ name, revision }: Revision) => evaluate(set.name, name, revision) });
  const drop = useMutation({
    mutationFn: () => dropEvaluationSet(set.name),
    onSettled: () => client.invalidateQueries({ queryKey: queryKeys.evaluationSets }),
  });
  const revision = ready.find((one) => idOf(one) === chosen) ?? ready[0];
  return (
    <li aria-label={set.name} className="space-y-3 py-3">
      <div className="flex flex-wrap items-center gap-2">
        <p className="min-w-0 flex-1 basis-40 break-words">
          <span className="font-medium">{set.name}</span>{" "}
          <span className="text-hint text-muted">{words.setAbout(set.cases.length, Math.round(set.pass_share * 100))}</span>
        </p>
        {revision && (
          <>
            <label htmlFor={id} className="sr-only">
              {words.evaluateWhich(set.name)}
            </label>
            <span className="w-52">
              <select
                id={id}
                value={idOf(revision)}
                onChange={(event) => setChosen(event.target.value)}
                className={cn(inputStyle, "h-8 text-hint")}
              >
                {ready.map((one) => (
                  <option key={idOf(one)}>{idOf(one)}</option>
                ))}
              </select>
            </span>
            <Button size="sm" disabled={run.isPending} onClick={() => run.mutate(revision)}>
              {words.evaluate}
            </Button>
          </>
        )}
        <Button size="sm" onClick={() => setEditing(true)}>
          {words.edit}
        </Button>
        <Button size="sm" disabled={drop.isPending} onClick={() => drop.mutate()}>
          {words.dropSet}
        </Button>
      </div>
      {(run.error ?? drop.error) && <Problem error={(run.error ?? drop.error)!} />}
      {editing && <SetForm set={set} onDone={() => setEditing(false)} />}
      {run.data && <RunResult id={run.data.id} />}
    </li>
  );
}
