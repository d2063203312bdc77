import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { cacheConversation } from "@/lib/api/conversation-cache";
import { queryKeys } from "@/lib/api/query-keys";
import type { Message, Model } from "@/lib/api/types";
import { useOpenChat } from "@/lib/navigation";
import { pickModel } from "@/lib/picked-model";
import { changeConversation } from "../api/change-conversation";
import { createConversation } from "../api/create-conversation";
import type { MessagePages } from "../api/messages";
import { rememberModel } from "../choose-model";
import { NEW_CHAT } from "../draft";
import { isSet, newChatSettings, NO_SETTINGS, setNewChatSettings } from "../new-chat-settings";
import { useLiveTurns } from "./live-turns-context";

/**
 * Sends messages below the `last` that is shown; the first one begins its conversation, with the settings that were
 * made for it. `begun` is the conversation that was begun here last.
 */
export function useSend(chatId: string | null, model: Model | null, last: Message | null) {
  const client = useQueryClient();
  const openChat = useOpenChat();
  const turns = useLiveTurns();
  const [creating, setCreating] = useState(false);
  const [begun, setBegun] = useState<string | null>(null);

  async function begin(text: string, name: string) {
    setCreating(true);
    try {
      const created = await createConversation(name);
      const settings = newChatSettings();
      const conversation = isSet(settings) ? await changeConversation(created.id, settings) : created;
      setNewChatSettings(NO_SETTINGS);
      client.setQueryData<MessagePages>(queryKeys.messages(created.id), {
        pages: [{ items: [], next_cursor: null }],
        pageParams: [null],
      });
      cacheConversation(client, conversation);
      pickModel(created.id, name);
      turns.start(created.id, text, name, null);
      setBegun(created.id);
      openChat(created.id);
    } catch (error) {
      turns.refuse(NEW_CHAT, text, error);
    } finally {
      setCreating(false);
    }
  }

  /** `edited` is the message in whose place it goes; null for a new one below what is shown. */
  function send(text: string, edited: Message | null = null) {
    if (model === null) return;
    rememberModel(model.name);
    if (chatId === null) void begin(text, model.name);
    else turns.start(chatId, text, model.name, last, edited);
  }

  return { send, creating, begun };
}
