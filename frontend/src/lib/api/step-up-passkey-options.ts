import type { PasskeyOptions } from "@/lib/passkey";
import { call } from "./client";

/** What the browser needs to prove anew who is here. */
export async function stepUpPasskeyOptions(): Promise<PasskeyOptions> {
  const answer = await call<{ public_key: PasskeyOptions }>("/api/auth/step-up/passkey/options", { method: "POST" });
  return answer.public_key;
}
