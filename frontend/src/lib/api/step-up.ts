import { call } from "@/lib/api/client";
import type { PasskeyAnswer } from "@/lib/passkey";
import type { Session } from "@/lib/api/types";

/** Proves anew who one is: a code from whoever has a second factor, the password from everybody else. */
export function stepUp(proof: { password: string } | { code: string } | { passkey: PasskeyAnswer }): Promise<Session> {
  return call<Session>("/api/auth/step-up", { method: "POST", body: proof });
}
