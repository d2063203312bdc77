import type { Metadata } from "next";
import { ForgottenForm } from "@/features/auth/components/forgotten-form";
import { strings } from "@/lib/strings";

export const metadata: Metadata = { title: `${strings.identity.forgotten.title} · ${strings.product}` };

export default function ForgottenPage() {
  return <ForgottenForm />;
}
