import { PeopleView } from "@/features/admin/components/people-view";

export default function PeoplePage() {
  return <PeopleView />;
}
