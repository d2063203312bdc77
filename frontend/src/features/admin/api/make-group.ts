import { call } from "@/lib/api/client";
import type { Group } from "@/lib/api/identity-types";

/** A group as it should be. */
export type GroupWish = Pick<Group, "name" | "models" | "budget">;

export function makeGroup(wish: GroupWish): Promise<Group> {
  return call<Group>("/api/admin/groups", { method: "POST", body: wish });
}
