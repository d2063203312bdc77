"use client";

import { memo } from "react";
import { Pencil } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import type { Message } from "@/lib/api/types";
import { strings } from "@/lib/strings";
import { BranchArrows, type GoToBranch } from "./branch-arrows";
import { CopyButton, MessageActions } from "./message-actions";

interface UserMessageProps {
  message: Message;
  /** An answer runs: nothing can be edited and no branch opened until it ends. */
  locked: boolean;
  onEdit: (message: Message) => void;
  onGoToBranch: GoToBranch;
}

/** The button that edits a message, to give the focus back to. */
export function editButtonId(messageId: string): string {
  return `edit-${messageId}`;
}

export const UserMessage = memo(function UserMessage({ message, locked, onEdit, onGoToBranch }: UserMessageProps) {
  return (
    <article className="group flex flex-col items-end pt-8 pb-1">
      <h2 className="sr-only">{strings.chat.you}</h2>
      <div className="max-w-[85%] rounded-card bg-bubble px-4 py-2.5 text-reading whitespace-pre-wrap">
        {message.content}
      </div>
      <MessageActions shown={(message.siblings?.count ?? 1) > 1} className="mt-1 min-h-7">
        <CopyButton text={message.content} />
        <IconButton
          id={editButtonId(message.id)}
          label={strings.chat.edit}
          size="sm"
          disabled={locked}
          onClick={() => onEdit(message)}
        >
          <Pencil aria-hidden className="size-3.5" />
        </IconButton>
        <BranchArrows message={message} locked={locked} onGo={onGoToBranch} />
      </MessageActions>
    </article>
  );
});
