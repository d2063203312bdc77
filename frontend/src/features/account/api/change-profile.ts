import { call } from "@/lib/api/client";
import type { User } from "@/lib/api/types";

export type Profile = Pick<User, "name" | "time_zone">;

export function changeProfile(profile: Profile): Promise<User> {
  return call<User>("/api/auth/me", { method: "PATCH", body: profile });
}
