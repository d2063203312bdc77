import type { ReactNode } from "react";
import { cn } from "@/lib/cn";
import { strings } from "@/lib/strings";
import { useDelayed } from "@/lib/hooks/use-delayed";

export function Bone({ className }: { className?: string }) {
  return <div aria-hidden className={cn("animate-pulse rounded-control bg-selected", className)} />;
}

/** Holds its place at once and shows its bones after 150 ms, so that quick answers never flicker. */
export function Skeleton({ children, className }: { children: ReactNode; className?: string }) {
  const late = useDelayed(150);
  return (
    <div role="status" aria-label={strings.status.loading} className={cn(className, !late && "invisible")}>
      {children}
    </div>
  );
}
