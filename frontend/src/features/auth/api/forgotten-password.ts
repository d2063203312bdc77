import { call } from "@/lib/api/client";

/** Asks for a mail with a link. Answers the same whether there is such an account or not. */
export function forgottenPassword(email: string): Promise<{ status: "accepted" }> {
  return call("/api/auth/forgotten-password", { method: "POST", body: { email }, renew: false });
}
