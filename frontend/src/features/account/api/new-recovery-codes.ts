import { call } from "@/lib/api/client";

/** Fresh codes; the earlier ones are void. */
export function newRecoveryCodes(): Promise<{ recovery_codes: string[] }> {
  return call("/api/auth/second-factor/recovery-codes", { method: "POST" });
}
