import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { ListChecks, Plus } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import type { Revision } from "@/lib/api/operation-types";
import { operation as words } from "@/lib/strings/operation";
import { evaluationSetsQuery } from "../api/evaluation-sets";
import { SetForm } from "./set-form";
import { SetRow } from "./set-row";

/** Prompts with checks, which a promotion can be made to wait for. */
export function EvaluationSets({ revisions }: { revisions: readonly Revision[] }) {
  const sets = useQuery(evaluationSetsQuery);
  const [adding, setAdding] = useState(false);
  const ready = revisions.filter(({ state, desired }) => state === "ready" && desired === "serving");
  return (
    <section aria-label={words.sets} className="space-y-4">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="flex-1 text-reading font-semibold">{words.sets}</h2>
        {!adding && (
          <Button size="sm" onClick={() => setAdding(true)}>
            <Plus aria-hidden className="size-3.5" />
            {words.newSet}
          </Button>
        )}
      </div>
      <p className="max-w-(--measure) text-ui text-muted">{words.setsDetail}</p>
      {adding && <SetForm set={null} onDone={() => setAdding(false)} />}
      {sets.error && !sets.data && <Problem error={sets.error} title={words.setsFailed} onRetry={() => void sets.refetch()} />}
      {sets.isPending && (
        <Skeleton>
          <Bone className="h-12 w-full" />
        </Skeleton>
      )}
      {sets.data?.length === 0 && !adding && (
        <p className="flex items-center gap-3 rounded-card border border-dashed border-line-strong px-4 py-6 text-muted">
          <ListChecks aria-hidden className="size-5 shrink-0" />
          {words.noSets}
        </p>
      )}
      {sets.data && sets.data.length > 0 && (
        <ul className="divide-y divide-line rounded-card border border-line px-4">
          {sets.data.map((set) => (
            <SetRow key={set.name} set={set} ready={ready} />
          ))}
        </ul>
      )}
    </section>
  );
}
