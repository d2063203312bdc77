import { call } from "@/lib/api/client";
import type { EvaluationSet } from "@/lib/api/operation-types";

/** Make a set, or change it; the server says what is wrong with its cases. */
export function keepEvaluationSet(name: string, body: unknown): Promise<EvaluationSet> {
  return call<EvaluationSet>(`/api/admin/evaluations/sets/${encodeURIComponent(name)}`, { method: "PUT", body });
}
