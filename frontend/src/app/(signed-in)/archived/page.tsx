import { ArchivedView } from "@/features/history/components/archived-view";

export default function ArchivedPage() {
  return <ArchivedView />;
}
