import type { PushEvent } from "./api/types";

/** What the socket brings, and `reconnected` for the gap that it may have missed. */
export type Pushed = PushEvent | { type: "reconnected" };

type Listener = (event: Pushed) => void;
const listeners = new Set<Listener>();

/** Hear every pushed event. Each feature takes what concerns it. */
export function onPush(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function emitPush(event: Pushed): void {
  listeners.forEach((listener) => listener(event));
}
