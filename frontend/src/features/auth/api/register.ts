import { call } from "@/lib/api/client";

export interface Registration {
  email: string;
  password: string;
  name: string;
  /** The secret of an invitation. */
  invitation?: string;
}

/** Answers the same whether the account exists or not; signing in afterwards tells. */
export function register(registration: Registration): Promise<{ status: "accepted" }> {
  return call("/api/auth/register", { method: "POST", body: registration, renew: false });
}
