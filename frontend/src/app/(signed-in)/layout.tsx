"use client";

import { Suspense, type ReactNode } from "react";
import { SessionGate } from "@/features/auth/components/session-gate";
import { FrameSkeleton } from "@/features/shell/frame";
import { SignedInFrame } from "./signed-in-frame";

export default function SignedInLayout({ children }: { children: ReactNode }) {
  return (
    <SessionGate fallback={<FrameSkeleton />}>
      <Suspense fallback={<FrameSkeleton />}>
        <SignedInFrame>{children}</SignedInFrame>
      </Suspense>
    </SessionGate>
  );
}
