import { useQuery } from "@tanstack/react-query";
import { Check, X } from "lucide-react";
import { Problem } from "@/components/ui/problem";
import { operation as words } from "@/lib/strings/operation";
import { evaluationRunQuery } from "../api/evaluation-run";

/** How a run goes, case by case. */
export function RunResult({ id }: { id: string }) {
  const run = useQuery(evaluationRunQuery(id));
  if (run.error && !run.data) return <Problem error={run.error} onRetry={() => void run.refetch()} />;
  if (!run.data) return null;
  const { name, revision, state, detail, cases, results } = run.data;
  return (
    <div className="space-y-2 text-hint">
      <p role="status">
        <span className="font-medium">{words.runOf(name, revision, words.runStates[state])}</span>{" "}
        <span className="text-muted">{detail ?? words.asked(results.length, cases.length)}</span>
      </p>
      <ol className="space-y-1">
        {results.map(({ passed, reason, text }, index) => (
          <li key={index} className="flex gap-2">
            {passed ? (
              <Check aria-label={words.casePassed} className="mt-0.5 size-4 shrink-0 text-success" />
            ) : (
              <X aria-label={words.caseFailed} className="mt-0.5 size-4 shrink-0 text-danger" />
            )}
            <span className="min-w-0">
              <span className="break-words">{cases[index]?.prompt}</span>
              {reason !== null && <span className="block break-words text-muted">{words.becauseOf(reason, text)}</span>}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}
