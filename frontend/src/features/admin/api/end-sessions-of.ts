import { call } from "@/lib/api/client";

export function endSessionsOf(id: string): Promise<{ ended_sessions: number }> {
  return call(`/api/admin/users/${id}/sessions`, { method: "DELETE" });
}
