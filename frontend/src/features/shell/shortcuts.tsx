"use client";

import { useEffect } from "react";
import { Dialog } from "@/components/ui/dialog";
import { strings } from "@/lib/strings";

const isMac = () => /Mac|iPhone|iPad/.test(navigator.platform);
const modifier = () => (isMac() ? "⌘" : "Ctrl");

export function newChatHint(): string {
  return `${strings.shortcuts.newChat} (${modifier()}+Shift+O)`;
}

interface ShortcutActions {
  onNewChat: () => void;
  onList: () => void;
}

/** The shortcuts of the frame. Those of writing and stopping live with the composer. */
export function useShortcuts({ onNewChat, onList }: ShortcutActions): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      if ((event.ctrlKey || event.metaKey) && event.shiftKey && event.code === "KeyO") {
        event.preventDefault();
        onNewChat();
      } else if (event.key === "?" && !event.ctrlKey && !event.metaKey && !isWriting(event.target)) {
        event.preventDefault();
        onList();
      }
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [onNewChat, onList]);
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}

export function ShortcutList({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const rows: [string, string[]][] = [
    [strings.shortcuts.newChat, [modifier(), "Shift", "O"]],
    [strings.shortcuts.send, ["Enter"]],
    [strings.shortcuts.lineBreak, ["Shift", "Enter"]],
    [strings.shortcuts.stop, ["Esc"]],
    [strings.shortcuts.list, ["?"]],
  ];
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={strings.shortcuts.title}>
      <dl className="space-y-3">
        {rows.map(([what, keys]) => (
          <div key={what} className="flex items-center justify-between gap-4">
            <dt>{what}</dt>
            <dd className="flex gap-1">
              {keys.map((key) => (
                <kbd
                  key={key}
                  className="min-w-7 rounded-control border border-line bg-bubble px-2 py-0.5 text-center font-sans text-hint"
                >
                  {key}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
