import type { Metadata } from "next";
import { Suspense } from "react";
import { RegisterForm } from "@/features/auth/components/register-form";
import { strings } from "@/lib/strings";

export const metadata: Metadata = { title: `${strings.entry.registerTitle} · ${strings.product}` };

export default function RegisterPage() {
  return (
    <Suspense>
      <RegisterForm />
    </Suspense>
  );
}
