import { call } from "@/lib/api/client";

/** Shows a code of the new app. The recovery codes are in this answer only. */
export function confirmTotp(code: string): Promise<{ recovery_codes: string[] }> {
  return call("/api/auth/second-factor/totp/confirm", { method: "POST", body: { code } });
}
