"use client";

import type { ReactNode } from "react";
import { Check, Copy, X } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import { cn } from "@/lib/cn";
import { useCopy } from "@/lib/hooks/use-copy";
import { strings } from "@/lib/strings";

/** The row under a message: in view while the message is pointed at or has the focus, or always. */
export function MessageActions({ shown, className, children }: { shown: boolean; className?: string; children: ReactNode }) {
  return (
    <div
      className={cn(
        "flex items-center gap-0.5 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100",
        "pointer-coarse:opacity-100",
        !shown && "opacity-0",
        className,
      )}
    >
      {children}
    </div>
  );
}

export function CopyButton({ text }: { text: string }) {
  const { state, copy } = useCopy();
  const Icon = state === "copied" ? Check : state === "failed" ? X : Copy;
  const label =
    state === "copied" ? strings.chat.copied : state === "failed" ? strings.chat.copyFailed : strings.chat.copy;
  return (
    <IconButton label={label} size="sm" onClick={() => copy(text)}>
      <Icon aria-hidden className="size-4" />
    </IconButton>
  );
}
