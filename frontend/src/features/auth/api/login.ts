import { call } from "@/lib/api/client";
import type { Session } from "@/lib/api/types";

export interface Credentials {
  email: string;
  password: string;
}

export function login(credentials: Credentials): Promise<Session> {
  return call<Session>("/api/auth/login", { method: "POST", body: credentials, renew: false });
}
