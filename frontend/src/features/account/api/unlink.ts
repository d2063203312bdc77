import { call } from "@/lib/api/client";

export function unlink(id: string): Promise<void> {
  return call<void>(`/api/auth/oauth/identities/${id}`, { method: "DELETE" });
}
