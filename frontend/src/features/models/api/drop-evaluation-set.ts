import { call } from "@/lib/api/client";

export function dropEvaluationSet(name: string): Promise<void> {
  return call<undefined>(`/api/admin/evaluations/sets/${name}`, { method: "DELETE" });
}
