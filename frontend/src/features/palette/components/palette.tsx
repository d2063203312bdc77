"use client";

import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { Search } from "lucide-react";
import { cn } from "@/lib/cn";
import { strings } from "@/lib/strings";
import { matching, type Command } from "../commands";

interface PaletteProps {
  commands: Command[];
  /** Close, then do it: what comes next may want the focus. */
  onRun: (command: Command) => void;
  onSearch: (words: string) => void;
}

/** Everything that can be gone to or done, by a few letters of its name. */
export default function Palette({ commands, onRun, onSearch }: PaletteProps) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const words = text.trim();
  const search: Command = {
    id: "search-for",
    group: strings.palette.search,
    label: strings.palette.searchFor(words),
    run: () => onSearch(words),
  };
  const found = [...matching(commands, text), ...(words === "" ? [] : [search])];
  const active = Math.min(at, found.length - 1);
  const groups = [...new Set(found.map(({ group }) => group))];

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [active, text]);

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    const moves: Record<string, number> = {
      ArrowDown: (active + 1) % found.length,
      ArrowUp: (active - 1 + found.length) % found.length,
      Home: 0,
      End: found.length - 1,
    };
    const move = moves[event.key];
    if (move !== undefined) {
      event.preventDefault();
      setAt(move);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const command = found[active];
      if (command) onRun(command);
    }
  }

  return (
    <>
      <div className="relative border-b border-line">
        <Search aria-hidden className="pointer-events-none absolute top-4 left-4 size-4 text-muted" />
        <input
          autoFocus
          role="combobox"
          aria-label={strings.palette.label}
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={found[active] ? `${id}-${active}` : undefined}
          autoComplete="off"
          spellCheck={false}
          placeholder={strings.palette.placeholder}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
          className="h-12 w-full bg-transparent pr-4 pl-11 text-reading outline-none"
        />
      </div>
      <div ref={list} id={`${id}-list`} role="listbox" aria-label={strings.palette.title} className="max-h-[min(420px,60dvh)] overflow-y-auto p-2">
        {groups.map((group) => (
          <div key={group} role="group" aria-label={group}>
            <p aria-hidden className="px-2 pt-2 pb-1 text-hint text-muted">
              {group}
            </p>
            {found.map(
              (command, index) =>
                command.group === group && (
                  <div
                    key={command.id}
                    id={`${id}-${index}`}
                    role="option"
                    aria-selected={index === active}
                    onPointerMove={() => setAt(index)}
                    onClick={() => onRun(command)}
                    className={cn(
                      "flex h-9 cursor-pointer items-center justify-between gap-4 rounded-control px-2",
                      index === active && "bg-hover",
                    )}
                  >
                    <span className="min-w-0 truncate">{command.label}</span>
                    {command.keys && <kbd className="shrink-0 font-sans text-hint text-muted">{command.keys}</kbd>}
                  </div>
                ),
            )}
          </div>
        ))}
      </div>
    </>
  );
}
