import { useMutation } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import type { Promotion } from "@/lib/api/operation-types";
import { operation as words } from "@/lib/strings/operation";
import { evaluateAgain } from "../api/evaluate-again";
import { RunResult } from "./run-result";

/** What a promotion's revision had to pass: how that went, and once more on demand. */
export function RepeatEvaluation({ promotion }: { promotion: Promotion }) {
  const repeat = useMutation({ mutationFn: evaluateAgain });
  const evaluation = promotion.receipt?.["evaluation"] as { run: string; set: string; detail: string | null } | null | undefined;
  if (!evaluation) return null;
  return (
    <div className="space-y-2">
      <div className="flex flex-wrap items-center gap-2">
        <p className="text-muted">{words.evaluatedBy(evaluation.set, evaluation.detail)}</p>
        <Button size="sm" disabled={repeat.isPending} onClick={() => repeat.mutate(evaluation.run)}>
          {words.evaluateAgain}
        </Button>
      </div>
      {repeat.error && <Problem error={repeat.error} />}
      {repeat.data && <RunResult id={repeat.data.id} />}
    </div>
  );
}
