import { memo } from "react";
import type { Message } from "@/lib/api/types";
import { strings } from "@/lib/strings";

export const UserMessage = memo(function UserMessage({ message }: { message: Message }) {
  return (
    <article className="flex justify-end pt-8 pb-4 first:pt-2">
      <h2 className="sr-only">{strings.chat.you}</h2>
      <div className="max-w-[85%] rounded-card bg-bubble px-4 py-2.5 text-reading whitespace-pre-wrap">
        {message.content}
      </div>
    </article>
  );
});
