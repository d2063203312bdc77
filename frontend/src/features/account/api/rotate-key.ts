import { call } from "@/lib/api/client";
import type { CreatedApiKey } from "@/lib/api/types";

/** A new key that may do the same; the old one stays good for a day. */
export function rotateKey(id: string): Promise<CreatedApiKey> {
  return call<CreatedApiKey>(`/api/keys/${id}/rotate`, { method: "POST", body: {} });
}
