import { call } from "@/lib/api/client";
import type { Session } from "@/lib/api/types";

/** The second step of a sign-in: `token` is what the first one answered. */
export function loginSecondFactor(step: { token: string; code: string }): Promise<Session> {
  return call<Session>("/api/auth/login/second-factor", { method: "POST", body: step, renew: false });
}
