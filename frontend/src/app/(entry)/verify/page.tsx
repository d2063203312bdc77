import type { Metadata } from "next";
import { VerifyForm } from "@/features/auth/components/verify-form";
import { strings } from "@/lib/strings";

export const metadata: Metadata = { title: `${strings.identity.verify.title} · ${strings.product}` };

export default function VerifyPage() {
  return <VerifyForm />;
}
