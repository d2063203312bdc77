"use client";

import { strings } from "@/lib/strings";
import { modifier } from "./shortcuts";

/** Every key that does something. */
export default function ShortcutList() {
  const words = strings.shortcuts;
  const rows: [string, string[]][] = [
    [words.palette, [modifier(), "K"]],
    [words.newChat, [modifier(), "Shift", "O"]],
    [words.search, [modifier(), "Shift", "F"]],
    [words.send, ["Enter"]],
    [words.lineBreak, ["Shift", "Enter"]],
    [words.editLast, ["↑"]],
    [words.stop, ["Esc"]],
    [words.list, ["?"]],
  ];
  return (
    <dl className="space-y-3">
      {rows.map(([what, keys]) => (
        <div key={what} className="flex items-center justify-between gap-4">
          <dt>{what}</dt>
          <dd className="flex shrink-0 gap-1">
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
  );
}
