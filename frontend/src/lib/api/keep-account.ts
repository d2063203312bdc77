import { call } from "./client";
import type { User } from "./types";

export function keepAccount(): Promise<User> {
  return call<User>("/api/auth/me/keep", { method: "POST" });
}
