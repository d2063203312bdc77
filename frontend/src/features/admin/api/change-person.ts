import { call } from "@/lib/api/client";
import type { Person } from "@/lib/api/identity-types";

export type PersonChange = Partial<Pick<Person, "role" | "active" | "group_id">>;

export function changePerson(id: string, change: PersonChange): Promise<Person> {
  return call<Person>(`/api/admin/users/${id}`, { method: "PATCH", body: change });
}
