import { call } from "@/lib/api/client";

/** Sets a new password with the token of a mail. Nobody is signed in by it. */
export function resetPassword(reset: { token: string; password: string }): Promise<void> {
  return call<void>("/api/auth/reset-password", { method: "POST", body: reset, renew: false });
}
