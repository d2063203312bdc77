import { call } from "@/lib/api/client";
import type { Group } from "@/lib/api/identity-types";
import type { GroupWish } from "./make-group";

/** Gives a group another name, models and budget: what it was is replaced. */
export function changeGroup(id: string, wish: GroupWish): Promise<Group> {
  return call<Group>(`/api/admin/groups/${id}`, { method: "PUT", body: wish });
}
