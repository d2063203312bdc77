import { call } from "@/lib/api/client";
import type { User } from "@/lib/api/types";

/** Any call renews an expired session on its way; throws with status 401 when it is over. */
export function checkSession(): Promise<User> {
  return call<User>("/api/auth/me");
}
