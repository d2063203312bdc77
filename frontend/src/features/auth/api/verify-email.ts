import { call } from "@/lib/api/client";

/** Shows the token of a mail: the address is verified, or becomes the account's new one. */
export function verifyEmail(token: string): Promise<{ email: string }> {
  return call("/api/auth/verify-email", { method: "POST", body: { token }, renew: false });
}
