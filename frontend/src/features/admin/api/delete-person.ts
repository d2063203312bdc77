import { call } from "@/lib/api/client";
import type { Person } from "@/lib/api/identity-types";

export function deletePerson(id: string): Promise<Person> {
  return call(`/api/admin/users/${id}`, { method: "DELETE" });
}
