import { call } from "@/lib/api/client";

export function deleteGroup(id: string): Promise<void> {
  return call<void>(`/api/admin/groups/${id}`, { method: "DELETE" });
}
