import { call } from "@/lib/api/client";

export function logout(): Promise<void> {
  return call<void>("/api/auth/logout", { method: "POST", body: {}, renew: false });
}
