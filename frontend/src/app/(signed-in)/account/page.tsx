import { AccountView } from "@/features/account/components/account-view";

export default function AccountPage() {
  return <AccountView />;
}
