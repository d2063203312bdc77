import { call } from "@/lib/api/client";
import type { Revision } from "@/lib/api/operation-types";

export function retireRevision({ name, revision, force }: Pick<Revision, "name" | "revision"> & { force: boolean }): Promise<Revision> {
  return call<Revision>(`/api/admin/models/${name}/${revision}/retire`, { method: "POST", body: { force } });
}
