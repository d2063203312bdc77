import { call } from "@/lib/api/client";
import type { EvaluationRun } from "@/lib/api/operation-types";

/** The same cases as in an earlier run, whatever has become of its set. */
export function evaluateAgain(run: string): Promise<EvaluationRun> {
  return call<EvaluationRun>(`/api/admin/evaluations/${run}/again`, { method: "POST" });
}
