import { call } from "@/lib/api/client";
import type { PasskeyOptions } from "@/lib/passkey";

/** What the browser needs to sign in with a passkey alone. */
export async function passkeyOptions(): Promise<PasskeyOptions> {
  const answer = await call<{ public_key: PasskeyOptions }>("/api/auth/login/passkey/options", {
    method: "POST",
    body: {},
    renew: false,
  });
  return answer.public_key;
}
