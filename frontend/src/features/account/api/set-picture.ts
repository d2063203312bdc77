import { call } from "@/lib/api/client";
import type { User } from "@/lib/api/types";

/** `image`: a picture file, as base64. */
export function setPicture(image: string): Promise<User> {
  return call<User>("/api/auth/me/picture", { method: "PUT", body: { image } });
}
