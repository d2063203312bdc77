import { randomUUID } from "node:crypto";

export interface Person {
  name: string;
  email: string;
  password: string;
}

/** Somebody new, with a password that no list of common ones holds. */
export function newPerson(name = "Ada Marsh"): Person {
  const unique = randomUUID().replaceAll("-", "");
  return { name, email: `e2e-${unique.slice(0, 16)}@example.com`, password: `heron ${unique.slice(0, 18)} weir` };
}
