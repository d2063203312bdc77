"use client";

import { useEffect, useRef, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { queryKeys } from "@/lib/api/query-keys";
import type { MessageStatus } from "@/lib/api/types";
import { strings } from "@/lib/strings";
import type { MessagePages } from "../api/messages";
import { flatten } from "../live/visible-messages";
import { useLiveTurn } from "./live-turns-context";

const endings: Record<MessageStatus, string> = {
  complete: strings.chat.announceEnd,
  stopped: strings.chat.announceStopped,
  failed: strings.chat.announceFailed,
  streaming: "",
};

/** Tells a screen reader that an answer began and that it ended: the text itself is read when wanted. */
export function Announcer({ conversationId }: { conversationId: string | null }) {
  const client = useQueryClient();
  const running = useLiveTurn(conversationId) !== null;
  const before = useRef({ conversationId, running });
  const [words, setWords] = useState("");

  useEffect(() => {
    const { conversationId: lastId, running: wasRunning } = before.current;
    before.current = { conversationId, running };
    if (running && !wasRunning) setWords(strings.chat.announceStart);
    if (running || !wasRunning || lastId !== conversationId || conversationId === null) return;
    const pages = client.getQueryData<MessagePages>(queryKeys.messages(conversationId));
    setWords(endings[flatten(pages).at(-1)?.status ?? "complete"]);
  }, [client, conversationId, running]);

  return (
    <p role="status" className="sr-only">
      {words}
    </p>
  );
}
