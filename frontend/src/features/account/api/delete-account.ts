import { call } from "@/lib/api/client";
import type { User } from "@/lib/api/types";

export function deleteAccount(): Promise<User> {
  return call<User>("/api/auth/me", { method: "DELETE" });
}
