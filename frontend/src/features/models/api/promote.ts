import { call } from "@/lib/api/client";
import type { Promotion, PromotionPlan } from "@/lib/api/operation-types";

export function promote(name: string, revision: string, plan: PromotionPlan): Promise<Promotion> {
  return call<Promotion>(`/api/admin/models/${name}/promote`, { method: "POST", body: { revision, plan } });
}
