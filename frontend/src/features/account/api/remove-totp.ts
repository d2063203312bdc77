import { call } from "@/lib/api/client";

export function removeTotp(): Promise<void> {
  return call<void>("/api/auth/second-factor/totp", { method: "DELETE" });
}
