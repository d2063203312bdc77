"use client";

import { useEffect, useRef } from "react";
import { Bone, Skeleton } from "@/components/ui/skeleton";

/** Asks for the next page whenever it scrolls into view. */
export function Sentinel({ onSeen }: { onSeen: () => void }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!element.current) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) onSeen();
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [onSeen]);
  return (
    <div ref={element}>
      <Skeleton className="space-y-1 px-3 py-2">
        <Bone className="h-5 w-3/4" />
      </Skeleton>
    </div>
  );
}
