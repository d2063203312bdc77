import { call } from "@/lib/api/client";

export function endOtherSessions(): Promise<{ ended_sessions: number }> {
  return call("/api/auth/sessions", { method: "DELETE" });
}
