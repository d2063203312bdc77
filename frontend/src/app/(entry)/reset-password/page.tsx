import type { Metadata } from "next";
import { ResetForm } from "@/features/auth/components/reset-form";
import { strings } from "@/lib/strings";

export const metadata: Metadata = { title: `${strings.identity.reset.title} · ${strings.product}` };

export default function ResetPage() {
  return <ResetForm />;
}
