import { call } from "@/lib/api/client";
import type { PasskeyOptions } from "@/lib/passkey";

/** What the browser needs to take the second step with a passkey. */
export async function secondPasskeyOptions(token: string): Promise<PasskeyOptions> {
  const answer = await call<{ public_key: PasskeyOptions }>("/api/auth/login/second-factor/passkey/options", {
    method: "POST",
    body: { token },
    renew: false,
  });
  return answer.public_key;
}
