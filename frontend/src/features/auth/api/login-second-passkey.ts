import { call } from "@/lib/api/client";
import type { Session } from "@/lib/api/types";
import type { PasskeyAnswer } from "@/lib/passkey";

export function loginSecondPasskey(step: { token: string; credential: PasskeyAnswer }): Promise<Session> {
  return call<Session>("/api/auth/login/second-factor/passkey", { method: "POST", body: step, renew: false });
}
