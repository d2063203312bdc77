"use client";

import { memo, useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Archive, Ellipsis, FileDown, FileJson, Link2, Pencil, Pin, PinOff, Trash2 } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import { Menu } from "@/components/ui/menu";
import type { Conversation } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { chatHref } from "@/lib/navigation";
import { strings } from "@/lib/strings";
import type { ConversationActions } from "../use-conversation-actions";

interface ConversationItemProps {
  conversation: Conversation;
  active: boolean;
  onOpen: (id: string) => void;
  actions: ConversationActions;
}

/** The element of a conversation in the list, to give the focus back to. */
export function itemId(conversationId: string): string {
  return `item-${conversationId}`;
}

export const ConversationItem = memo(function ConversationItem({
  conversation,
  active,
  onOpen,
  actions,
}: ConversationItemProps) {
  const [renaming, setRenaming] = useState(false);
  const [menuOpen, setMenuOpen] = useState(false);
  const next = useRef<"rename" | "leave" | null>(null);
  const link = useRef<HTMLAnchorElement>(null);
  const title = conversation.title ?? strings.rail.untitled;

  if (renaming) {
    return (
      <li>
        <RenameField
          title={conversation.title ?? ""}
          onDone={(changed) => {
            setRenaming(false);
            if (changed !== null && changed !== conversation.title) actions.rename(conversation, changed);
            requestAnimationFrame(() => link.current?.focus());
          }}
        />
      </li>
    );
  }

  return (
    <li className="group relative">
      <a
        ref={link}
        id={itemId(conversation.id)}
        href={chatHref(conversation.id)}
        aria-current={active ? "page" : undefined}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          onOpen(conversation.id);
        }}
        onDoubleClick={() => setRenaming(true)}
        className={cn(
          "flex h-9 items-center gap-2 rounded-control pr-9 pl-3 outline-offset-[-2px]",
          active ? "bg-selected font-medium" : "hover:bg-hover",
          conversation.title === null && "text-muted",
        )}
      >
        <span className="truncate" title={title}>
          {title}
        </span>
        {conversation.share !== null && (
          <Link2 role="img" aria-label={strings.rail.shared} className="size-3.5 shrink-0 text-muted" />
        )}
        {conversation.running_turn_id !== null && (
          <span
            role="img"
            aria-label={strings.rail.answering}
            title={strings.rail.answering}
            className="size-2 shrink-0 animate-pulse rounded-full bg-accent"
          />
        )}
      </a>
      <div
        className={cn(
          "absolute inset-y-0 right-1 flex items-center opacity-0 group-focus-within:opacity-100 group-hover:opacity-100",
          "pointer-coarse:opacity-100",
          (active || menuOpen) && "opacity-100",
        )}
      >
        <Menu
          align="end"
          onOpenChange={setMenuOpen}
          onClosed={(event) => {
            const what = next.current;
            next.current = null;
            if (what === null) return;
            // What comes next takes the focus; the menu must not pull it back.
            event.preventDefault();
            if (what === "rename") setRenaming(true);
            else focusBeside(conversation.id);
          }}
          trigger={
            <IconButton label={strings.rail.menuFor(title)} size="sm">
              <Ellipsis aria-hidden className="size-4" />
            </IconButton>
          }
          entries={[
            {
              kind: "item",
              label: strings.rail.rename,
              icon: <Pencil aria-hidden className="size-4" />,
              onSelect: () => {
                next.current = "rename";
              },
            },
            {
              kind: "item",
              label: conversation.pinned ? strings.rail.unpin : strings.rail.pin,
              icon: conversation.pinned ? (
                <PinOff aria-hidden className="size-4" />
              ) : (
                <Pin aria-hidden className="size-4" />
              ),
              onSelect: () => actions.pin(conversation),
            },
            {
              kind: "item",
              label: strings.rail.share,
              icon: <Link2 aria-hidden className="size-4" />,
              onSelect: () => actions.share(conversation),
            },
            {
              kind: "item",
              label: strings.rail.exportMarkdown,
              icon: <FileDown aria-hidden className="size-4" />,
              onSelect: () => actions.save(conversation, "markdown"),
            },
            {
              kind: "item",
              label: strings.rail.exportJson,
              icon: <FileJson aria-hidden className="size-4" />,
              onSelect: () => actions.save(conversation, "json"),
            },
            { kind: "separator" },
            {
              kind: "item",
              label: strings.rail.archive,
              icon: <Archive aria-hidden className="size-4" />,
              onSelect: () => {
                next.current = "leave";
                actions.archive(conversation);
              },
            },
            {
              kind: "item",
              label: strings.rail.delete,
              icon: <Trash2 aria-hidden className="size-4" />,
              danger: true,
              onSelect: () => {
                next.current = "leave";
                actions.remove(conversation);
              },
            },
          ]}
        />
      </div>
    </li>
  );
});

/** The focus of an entry that goes away: to the one below or above it, else to the composer, never nowhere. */
function focusBeside(id: string): void {
  const links = [...document.querySelectorAll<HTMLElement>('a[id^="item-"]')];
  const at = links.findIndex((link) => link.id === itemId(id));
  const beside = links[at + 1] ?? links[at - 1];
  requestAnimationFrame(() => {
    const target = beside?.isConnected ? beside : document.getElementById("composer");
    (target ?? document.getElementById("main"))?.focus();
  });
}

interface RenameFieldProps {
  title: string;
  /** The new title, or null when nothing should change. */
  onDone: (title: string | null) => void;
}

function RenameField({ title, onDone }: RenameFieldProps) {
  const [value, setValue] = useState(title);
  const input = useRef<HTMLInputElement>(null);
  const done = useRef(false);

  useEffect(() => input.current?.select(), []);

  function finish(keep: boolean) {
    if (done.current) return;
    done.current = true;
    const trimmed = value.trim();
    onDone(keep && trimmed !== "" ? trimmed : null);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Enter" && !event.nativeEvent.isComposing) finish(true);
    if (event.key === "Escape") {
      event.stopPropagation();
      finish(false);
    }
  }

  return (
    <input
      ref={input}
      aria-label={strings.rail.renameLabel}
      value={value}
      maxLength={200}
      onChange={(event) => setValue(event.target.value)}
      onKeyDown={onKeyDown}
      onBlur={() => finish(true)}
      className="h-9 w-full rounded-control border border-accent bg-field px-[11px] outline-offset-[-2px]"
    />
  );
}
