import { call } from "@/lib/api/client";
import type { Revision } from "@/lib/api/operation-types";

export function deployRevision({ name, revision }: Pick<Revision, "name" | "revision">): Promise<Revision> {
  return call<Revision>(`/api/admin/models/${name}/${revision}/deploy`, { method: "POST" });
}
