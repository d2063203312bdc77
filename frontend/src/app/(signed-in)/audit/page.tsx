import { AuditView } from "@/features/admin/components/audit-view";

export default function AuditLogPage() {
  return <AuditView />;
}
