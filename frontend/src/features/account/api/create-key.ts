import { call } from "@/lib/api/client";
import type { CreatedApiKey } from "@/lib/api/types";

export interface NewKey {
  name: string;
  expires_in_days?: number;
  scopes: ("inference" | "usage")[];
  /** Null for all of them, also those that come later. */
  models: string[] | null;
  /** Null for as many as the person has. */
  requests_per_minute: number | null;
}

export function createKey(key: NewKey): Promise<CreatedApiKey> {
  return call<CreatedApiKey>("/api/keys", { method: "POST", body: key });
}
