import { SecurityView } from "@/features/account/components/security-view";

export default function SecurityPage() {
  return <SecurityView />;
}
