import { call } from "@/lib/api/client";
import type { Revision } from "@/lib/api/operation-types";

/** Makes a specification known, without running it. */
export function addRevision(spec: unknown): Promise<Revision> {
  return call<Revision>("/api/admin/models", { method: "POST", body: { spec } });
}
