import { useSyncExternalStore } from "react";

/** What may lie over the page. One at a time, whoever asked for it. `chat` is null for a chat that is not begun. */
export type Panel =
  | { name: "palette" }
  | { name: "shortcuts" }
  | { name: "prompts" }
  | { name: "limits" }
  | { name: "settings"; chat: string | null }
  | { name: "summary"; chat: string }
  | { name: "share"; chat: string };

let open: Panel | null = null;
let opener: HTMLElement | null = null;
const listeners = new Set<() => void>();

export function openPanel(panel: Panel): void {
  if (open === null) opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  open = panel;
  listeners.forEach((listener) => listener());
}

/** `focus` is the id of what should have the focus afterwards, when that is not what had it before. */
export function closePanel(focus?: string): void {
  if (focus !== undefined) opener = document.getElementById(focus);
  open = null;
  listeners.forEach((listener) => listener());
}

/** What had the focus when a panel was asked for, to give it back to; null when that is gone. */
export function panelOpener(): HTMLElement | null {
  return opener !== null && opener.isConnected && opener !== document.body ? opener : null;
}

export function usePanel(): Panel | null {
  return useSyncExternalStore(
    (notify) => {
      listeners.add(notify);
      return () => listeners.delete(notify);
    },
    () => open,
    () => null,
  );
}
