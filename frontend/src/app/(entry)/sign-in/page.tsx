import type { Metadata } from "next";
import { Suspense } from "react";
import { SignInForm } from "@/features/auth/components/sign-in-form";
import { strings } from "@/lib/strings";

export const metadata: Metadata = { title: `${strings.entry.signInTitle} · ${strings.product}` };

export default function SignInPage() {
  return (
    <Suspense>
      <SignInForm />
    </Suspense>
  );
}
