import { memo } from "react";
import type { Message } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { strings } from "@/lib/strings";

interface UserMessageProps {
  message: Message;
  /** Far enough from the end to be skipped while it is out of view. */
  far: boolean;
}

export const UserMessage = memo(function UserMessage({ message, far }: UserMessageProps) {
  return (
    <article className={cn("message flex justify-end pt-8 pb-4 first:pt-2", far && "message-far")}>
      <h2 className="sr-only">{strings.chat.you}</h2>
      <div className="max-w-[85%] rounded-card bg-bubble px-4 py-2.5 text-reading whitespace-pre-wrap">
        {message.content}
      </div>
    </article>
  );
});
