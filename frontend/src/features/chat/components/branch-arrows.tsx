"use client";

import { ChevronLeft, ChevronRight } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import type { Message } from "@/lib/api/types";
import { strings } from "@/lib/strings";

export type Direction = "previous" | "next";
export type GoToBranch = (from: Message, direction: Direction) => void;

interface BranchArrowsProps {
  message: Message;
  /** An answer runs: the path that is shown stays as it is until it ends. */
  locked: boolean;
  onGo: GoToBranch;
}

/** "2/3" with arrows, where a message has others beside it. */
export function BranchArrows({ message, locked, onGo }: BranchArrowsProps) {
  const { siblings } = message;
  if (siblings === null || siblings.count < 2) return null;
  const { index, count } = siblings;
  return (
    <div role="group" aria-label={strings.chat.branches} data-branches={message.id} className="flex items-center">
      <IconButton
        label={strings.chat.previousBranch}
        size="sm"
        data-direction="previous"
        disabled={locked || siblings.previous_id === null}
        onClick={() => onGo(message, "previous")}
      >
        <ChevronLeft aria-hidden className="size-4" />
      </IconButton>
      <span className="min-w-7 text-center text-hint text-muted tabular-nums">
        <span aria-hidden>{strings.chat.branch(index, count)}</span>
        <span className="sr-only">{strings.chat.branchOf(index, count)}</span>
      </span>
      <IconButton
        label={strings.chat.nextBranch}
        size="sm"
        data-direction="next"
        disabled={locked || siblings.next_id === null}
        onClick={() => onGo(message, "next")}
      >
        <ChevronRight aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}
