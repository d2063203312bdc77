import { call } from "@/lib/api/client";

/** Asks for a mail to the new address; it counts when the mail's link was opened. */
export function changeEmail(email: string): Promise<{ status: "accepted" }> {
  return call("/api/auth/email", { method: "POST", body: { email } });
}
