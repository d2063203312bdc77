import { call } from "@/lib/api/client";

export function removePasskey(id: string): Promise<void> {
  return call<void>(`/api/auth/passkeys/${id}`, { method: "DELETE" });
}
