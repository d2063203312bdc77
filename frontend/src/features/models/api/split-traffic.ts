import { call } from "@/lib/api/client";
import type { Revision } from "@/lib/api/operation-types";

export function splitTraffic(name: string, weights: Readonly<Record<string, number>>): Promise<Revision[]> {
  return call<Revision[]>(`/api/admin/models/${name}/traffic`, { method: "PUT", body: { weights } });
}
