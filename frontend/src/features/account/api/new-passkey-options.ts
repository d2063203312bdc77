import { call } from "@/lib/api/client";
import type { PasskeyOptions } from "@/lib/passkey";

/** What the browser needs to make a passkey. */
export async function newPasskeyOptions(): Promise<PasskeyOptions> {
  const answer = await call<{ public_key: PasskeyOptions }>("/api/auth/passkeys/options", { method: "POST" });
  return answer.public_key;
}
