import { call } from "@/lib/api/client";
import type { NewInvitation } from "@/lib/api/identity-types";
import type { Role } from "@/lib/api/types";

export function invite(wanted: { email?: string; role: Role }): Promise<NewInvitation> {
  return call<NewInvitation>("/api/admin/invitations", { method: "POST", body: wanted });
}
