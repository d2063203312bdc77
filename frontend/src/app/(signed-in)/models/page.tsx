import { ModelsView } from "@/features/models/components/models-view";

export default function ModelsPage() {
  return <ModelsView />;
}
