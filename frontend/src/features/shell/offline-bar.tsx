"use client";

import { WifiOff } from "lucide-react";
import { useOnline } from "@/lib/hooks/use-online";
import { strings } from "@/lib/strings";

export function OfflineBar() {
  const online = useOnline();
  return (
    <div role="status">
      {!online && (
        <p className="flex items-center justify-center gap-2 bg-warning-soft px-4 py-1.5 text-hint text-warning">
          <WifiOff aria-hidden className="size-4" />
          {strings.status.offline}
        </p>
      )}
    </div>
  );
}
