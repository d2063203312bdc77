import { call } from "@/lib/api/client";
import type { Person } from "@/lib/api/identity-types";

export function keepPerson(id: string): Promise<Person> {
  return call(`/api/admin/users/${id}/keep`, { method: "POST" });
}
