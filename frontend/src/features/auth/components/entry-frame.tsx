import type { ReactNode } from "react";
import { Mark } from "@/components/ui/mark";
import { strings } from "@/lib/strings";

/** The calm page around signing in and registering. */
export function EntryFrame({ title, children, foot }: { title: string; children: ReactNode; foot: ReactNode }) {
  return (
    <main className="flex min-h-dvh flex-col items-center bg-rail px-4 pt-[max(24px,14vh)] pb-12">
      <div className="mb-8 flex items-center gap-2 text-reading font-semibold">
        <Mark className="size-7 text-accent" />
        {strings.product}
      </div>
      <div className="w-full max-w-[400px] rounded-card border border-line bg-page p-6 sm:p-8">
        <h1 className="mb-6 text-title font-semibold">{title}</h1>
        {children}
      </div>
      <p className="mt-6 text-ui text-muted">{foot}</p>
    </main>
  );
}
