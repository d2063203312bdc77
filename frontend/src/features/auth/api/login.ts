import { call } from "@/lib/api/client";
import type { SecondStep } from "@/lib/api/identity-types";
import type { Session } from "@/lib/api/types";

export interface Credentials {
  email: string;
  password: string;
}

/** A session, or what the second step needs where the account has a second factor. */
export function login(credentials: Credentials): Promise<Session | SecondStep> {
  return call<Session | SecondStep>("/api/auth/login", { method: "POST", body: credentials, renew: false });
}
