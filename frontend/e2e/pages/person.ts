import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";

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

/** Somebody whom `makeAdmin` can make an administrator: the stand-in goes by the address. */
export function futureAdmin(): Person {
  const person = newPerson("Bea Sluice");
  return { ...person, email: `admin-${person.email}` };
}

/** By the command line, as on any installation; in the stand-in whoever is called so is one already. */
export function makeAdmin({ email }: Person): void {
  if (process.env["HEADRACE_URL"] === undefined) return;
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  execFileSync(`${root}/.venv/bin/python`, ["-m", "cluster.cli", "users", "set-role", email, "admin"], { cwd: root });
}
