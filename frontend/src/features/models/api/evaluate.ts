import { call } from "@/lib/api/client";
import type { EvaluationRun } from "@/lib/api/operation-types";

/** Ask a revision every prompt of a set. */
export function evaluate(set: string, name: string, revision: string): Promise<EvaluationRun> {
  return call<EvaluationRun>("/api/admin/evaluations", { method: "POST", body: { set, name, revision } });
}
