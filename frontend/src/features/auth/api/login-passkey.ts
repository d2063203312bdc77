import { call } from "@/lib/api/client";
import type { Session } from "@/lib/api/types";
import type { PasskeyAnswer } from "@/lib/passkey";

export function loginPasskey(credential: PasskeyAnswer): Promise<Session> {
  return call<Session>("/api/auth/login/passkey", { method: "POST", body: { credential }, renew: false });
}
