import { call } from "@/lib/api/client";
import type { User } from "@/lib/api/types";

export function removePicture(): Promise<User> {
  return call<User>("/api/auth/me/picture", { method: "DELETE" });
}
