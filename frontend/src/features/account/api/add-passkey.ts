import { call } from "@/lib/api/client";
import type { Passkey } from "@/lib/api/identity-types";
import type { PasskeyAnswer } from "@/lib/passkey";

export function addPasskey(passkey: { name: string; credential: PasskeyAnswer }): Promise<Passkey> {
  return call<Passkey>("/api/auth/passkeys", { method: "POST", body: passkey });
}
