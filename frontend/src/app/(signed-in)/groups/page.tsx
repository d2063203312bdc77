import { GroupsView } from "@/features/admin/components/groups-view";

export default function GroupsPage() {
  return <GroupsView />;
}
