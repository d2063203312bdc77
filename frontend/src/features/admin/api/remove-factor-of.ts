import { call } from "@/lib/api/client";

export function removeFactorOf(id: string): Promise<void> {
  return call<void>(`/api/admin/users/${id}/second-factor`, { method: "DELETE" });
}
