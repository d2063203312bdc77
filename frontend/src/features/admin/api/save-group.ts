import { call } from "@/lib/api/client";
import type { Group } from "@/lib/api/identity-types";

export type GroupWish = Pick<Group, "name" | "models" | "budget">;

/** Makes a group, or gives one that there is (`id`) another name, models and budget. */
export function saveGroup(id: string | null, group: GroupWish): Promise<Group> {
  if (id === null) return call<Group>("/api/admin/groups", { method: "POST", body: group });
  return call<Group>(`/api/admin/groups/${id}`, { method: "PUT", body: group });
}
