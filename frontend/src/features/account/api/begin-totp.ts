import { call } from "@/lib/api/client";
import type { Enrolment } from "@/lib/api/identity-types";

export function beginTotp(): Promise<Enrolment> {
  return call<Enrolment>("/api/auth/second-factor/totp", { method: "POST" });
}
