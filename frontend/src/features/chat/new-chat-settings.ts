import { useSyncExternalStore } from "react";
import type { Conversation } from "@/lib/api/types";

export type ChatSettings = Pick<Conversation, "system_prompt" | "parameters" | "summarise">;

export const NO_SETTINGS: ChatSettings = { system_prompt: null, parameters: {}, summarise: false };

/** The settings of the chat that is about to begin; they go to it with its first message. */
let settings = NO_SETTINGS;
const listeners = new Set<() => void>();

export function setNewChatSettings(next: ChatSettings): void {
  settings = next;
  listeners.forEach((listener) => listener());
}

export function newChatSettings(): ChatSettings {
  return settings;
}

export function useNewChatSettings(): ChatSettings {
  return useSyncExternalStore(
    (notify) => {
      listeners.add(notify);
      return () => listeners.delete(notify);
    },
    newChatSettings,
    () => NO_SETTINGS,
  );
}

/** Whether anything differs from what the model does by itself. */
export function isSet({ system_prompt: prompt, parameters, summarise }: ChatSettings): boolean {
  return prompt !== null || summarise || Object.keys(parameters).length > 0;
}
