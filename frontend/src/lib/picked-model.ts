import { useSyncExternalStore } from "react";

interface Picked {
  /** The conversation it was picked for; null for one that is not begun. */
  chat: string | null;
  model: string;
}

let picked: Picked | null = null;
const listeners = new Set<() => void>();

/** Choose the model that answers next in a chat. */
export function pickModel(chat: string | null, model: string): void {
  picked = { chat, model };
  listeners.forEach((listener) => listener());
}

export function usePickedModel(chat: string | null): string | null {
  return useSyncExternalStore(
    (notify) => {
      listeners.add(notify);
      return () => listeners.delete(notify);
    },
    () => (picked?.chat === chat ? picked.model : null),
    () => null,
  );
}
