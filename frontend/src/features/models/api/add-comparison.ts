import { call } from "@/lib/api/client";
import type { Comparisons, NewComparison } from "@/lib/api/operation-types";

/** Keep a vote; answers what all votes about the model come to. */
export function addComparison(comparison: NewComparison): Promise<Comparisons> {
  return call<Comparisons>("/api/admin/comparisons", { method: "POST", body: comparison });
}
