import { call } from "@/lib/api/client";

/** Asks for another mail that verifies the address. */
export function sendVerification(email: string): Promise<{ status: "accepted" }> {
  return call("/api/auth/verification", { method: "POST", body: { email } });
}
