import { call } from "@/lib/api/client";
import type { Promotion } from "@/lib/api/operation-types";

/** Calls off the promotion that runs, or undoes the last one. */
export function rollBack(name: string): Promise<Promotion> {
  return call<Promotion>(`/api/admin/models/${name}/rollback`, { method: "POST" });
}
