import { call } from "@/lib/api/client";

export function takeBack(id: string): Promise<void> {
  return call<void>(`/api/admin/invitations/${id}`, { method: "DELETE" });
}
