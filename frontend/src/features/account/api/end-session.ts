import { call } from "@/lib/api/client";

export function endSession(id: string): Promise<void> {
  return call<void>(`/api/auth/sessions/${id}`, { method: "DELETE" });
}
