import { call } from "@/lib/api/client";
import type { AuditVerdict } from "@/lib/api/identity-types";

/** Has the whole log read and compared with its anchors; a long one takes a while. */
export function verifyAudit(): Promise<AuditVerdict> {
  return call<AuditVerdict>("/api/admin/audit/verify", { method: "POST", deadlineMs: 120_000 });
}
