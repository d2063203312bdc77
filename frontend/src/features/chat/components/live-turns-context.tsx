"use client";

import { createContext, use, useEffect, useState, useSyncExternalStore, type ReactNode } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { patchConversation } from "@/lib/api/conversation-cache";
import { queryKeys } from "@/lib/api/query-keys";
import type { Conversation } from "@/lib/api/types";
import { onPush } from "@/lib/push";
import type { MessagePages } from "../api/messages";
import { LiveTurns, type Refusal } from "../live/live-turns";
import type { LiveTurn } from "../live/turn-state";
import { settleInto } from "../live/visible-messages";

const LiveTurnsContext = createContext<LiveTurns | null>(null);

/** Keeps answers flowing while the person moves between chats and pages, and files them when they end. */
export function LiveTurnsProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [turns] = useState(() => new LiveTurns());

  useEffect(() => {
    const refetch = (id: string) => void client.invalidateQueries({ queryKey: queryKeys.messages(id) });
    const limits = () => void client.invalidateQueries({ queryKey: queryKeys.limits });
    const disconnect = turns.connect({
      started: (id, turnId) =>
        patchConversation(client, id, { running_turn_id: turnId, updated_at: new Date().toISOString() }),
      settled: (id, settled) => {
        patchConversation(client, id, { running_turn_id: null });
        client.setQueryData<MessagePages>(queryKeys.messages(id), (pages) => pages && settleInto(pages, settled));
        // Which branches there are now, only the server can tell.
        if (settled.replaces !== null || settled.edits !== null) refetch(id);
        limits();
      },
      stale: refetch,
    });
    const stopListening = onPush((event) => {
      if (event.type === "turn.started" || event.type === "turn.ended") {
        // The turns of this page tell their own story; others (another tab, another device) are read again.
        if (turns.turn(event.conversation_id) === null) refetch(event.conversation_id);
      }
      if (event.type === "conversation.updated") {
        const { conversation } = event;
        const known = client.getQueryData<Conversation>(queryKeys.conversation(conversation.id));
        if (known && turns.turn(known.id) === null && onlyBranchChanged(known, conversation)) refetch(known.id);
      }
      if (event.type === "reconnected") {
        void client.invalidateQueries({ queryKey: ["messages"] });
        turns.lost().forEach((id) => turns.reconnect(id));
      }
    });
    const onOnline = () => turns.lost().forEach((id) => turns.reconnect(id));
    window.addEventListener("online", onOnline);
    return () => {
      disconnect();
      stopListening();
      window.removeEventListener("online", onOnline);
      turns.leaveAll();
    };
  }, [client, turns]);

  return <LiveTurnsContext value={turns}>{children}</LiveTurnsContext>;
}

/** Nothing that a conversation says of itself is new: then it shows another branch, opened in another tab. */
function onlyBranchChanged(before: Conversation, after: Conversation): boolean {
  const said = (one: Conversation) => JSON.stringify(Object.entries({ ...one, updated_at: "" }).sort());
  return said(before) === said(after);
}

export function useLiveTurns(): LiveTurns {
  const turns = use(LiveTurnsContext);
  if (turns === null) throw new Error("useLiveTurns outside of LiveTurnsProvider");
  return turns;
}

/** The running turn of a conversation, without its text: changes a few times a turn, not every frame. */
export function useLiveTurn(conversationId: string | null): LiveTurn | null {
  const turns = useLiveTurns();
  const read = () => (conversationId === null ? null : turns.turn(conversationId));
  return useSyncExternalStore(turns.subscribe, read, () => null);
}

/** The text of a running answer, up to once a frame. */
export function useLiveText(conversationId: string | null): string {
  const turns = useLiveTurns();
  const read = () => (conversationId === null ? "" : turns.text(conversationId));
  return useSyncExternalStore(turns.subscribe, read, () => "");
}

export function useRefusal(key: string): Refusal | null {
  const turns = useLiveTurns();
  return useSyncExternalStore(
    turns.subscribe,
    () => turns.refusal(key),
    () => null,
  );
}
