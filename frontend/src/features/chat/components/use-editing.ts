import { useEffect, useMemo, useRef, useState } from "react";
import type { Message } from "@/lib/api/types";
import type { Refusal } from "../live/live-turns";
import { useLiveTurns } from "./live-turns-context";
import type { Editing } from "./message-list";
import { editButtonId } from "./user-message";

/** Which message of a chat is being written anew. An edit that was refused comes back to its message. */
export function useEditing(
  chatId: string | null,
  refusal: Refusal | null,
  send: (message: Message, content: string) => void,
): Editing {
  const turns = useLiveTurns();
  const [chosen, setChosen] = useState<{ chat: string | null; id: string } | null>(null);
  const refused = refusal !== null && refusal.edits !== null ? refusal : null;
  const id = refused?.edits ?? (chosen?.chat === chatId ? chosen.id : null);

  const latest = useRef({ send, chatId });
  useEffect(() => {
    latest.current = { send, chatId };
  });

  return useMemo<Editing>(
    () => ({
      id,
      refusal: refused,
      onBegin: (message) => setChosen({ chat: latest.current.chatId, id: message.id }),
      onSend: (message, content) => {
        setChosen(null);
        latest.current.send(message, content);
        document.getElementById("composer")?.focus({ preventScroll: true });
      },
      onCancel: (message) => {
        setChosen(null);
        const chat = latest.current.chatId;
        if (chat !== null) turns.clearRefusal(chat);
        // The button is there again with the next painting.
        requestAnimationFrame(() => document.getElementById(editButtonId(message.id))?.focus());
      },
    }),
    [id, refused, turns],
  );
}
