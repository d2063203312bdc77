"use client";

import { useEffect } from "react";

const isMac = () => /Mac|iPhone|iPad/.test(navigator.platform);

/** The key that shortcuts are held with: ⌘ on a Mac, Ctrl elsewhere. */
export const modifier = () => (isMac() ? "⌘" : "Ctrl");

export function newChatKeys(): string {
  return `${modifier()}+Shift+O`;
}

interface ShortcutActions {
  onPalette: () => void;
  onNewChat: () => void;
  onSearch: () => void;
  onList: () => void;
}

/** The shortcuts of the frame. Those of writing and stopping live with the composer. */
export function useShortcuts({ onPalette, onNewChat, onSearch, onList }: ShortcutActions): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      const held = event.ctrlKey || event.metaKey;
      const does =
        held && !event.shiftKey && event.code === "KeyK"
          ? onPalette
          : held && event.shiftKey && event.code === "KeyO"
            ? onNewChat
            : held && event.shiftKey && event.code === "KeyF"
              ? onSearch
              : event.key === "?" && !held && !isWriting(event.target)
                ? onList
                : null;
      if (does === null) return;
      event.preventDefault();
      does();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [onPalette, onNewChat, onSearch, onList]);
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}
