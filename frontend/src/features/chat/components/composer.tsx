"use client";

import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { ArrowUp, Square, X } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { cn } from "@/lib/cn";
import { takeInserts } from "@/lib/compose";
import { formatNumber, formatWait } from "@/lib/format";
import { useCountdown } from "@/lib/hooks/use-countdown";
import { useOnline } from "@/lib/hooks/use-online";
import { strings } from "@/lib/strings";
import { mergeDraft, readDraft, writeDraft } from "../draft";
import type { Refusal } from "../live/live-turns";
import { preloadMarkdown } from "../markdown/lazy-markdown";

const MAX_CHARS = 100_000;
const MAX_LINES = 10;
const LINE_PX = 26;

interface ComposerProps {
  draftKey: string;
  placeholder: string;
  /** An answer is running; `stop` is null until it can be stopped. */
  running: boolean;
  stopping: boolean;
  onStop: () => void;
  /** Why sending must wait; null when it may go. */
  blocked: string | null;
  refusal: Refusal | null;
  onDismissRefusal: () => void;
  onSend: (content: string) => void;
  /** Up in an empty box: write the last message anew. */
  onEditLast: () => void;
  /** Epoch milliseconds until which the person's budget is used up; null while something is left. */
  spentUntil: number | null;
  /** What stands in the foot, at the left. */
  foot: ReactNode;
  /** What stands there at the right, before the button. */
  chip?: ReactNode;
}

/** Where a message is written. It keeps its draft, and takes back a message that was refused. */
export function Composer(props: ComposerProps) {
  const { draftKey, placeholder, running, stopping, onStop, blocked, refusal, onDismissRefusal, onSend, foot } = props;
  const { onEditLast, spentUntil, chip } = props;
  const [text, setText] = useState(() => readDraft(draftKey));
  const input = useRef<HTMLTextAreaElement>(null);
  const online = useOnline();
  // Sent while offline: it goes as soon as the browser is back, unless it is changed before.
  const [held, setHeld] = useState(false);
  const refusedUntil = refusal?.retryAt ?? null;
  const spent = spentUntil !== null && spentUntil >= (refusedUntil ?? 0);
  const wait = useCountdown(spent ? spentUntil : refusedUntil);
  const over = text.length - MAX_CHARS;
  const reason =
    wait > 0
      ? (spent ? strings.limits.spent : strings.chat.waitToSend)(formatWait(wait))
      : over > 0
        ? strings.chat.tooLong(formatNumber(over))
        : held
          ? strings.chat.held
          : blocked;
  const canSend = text.trim() !== "" && wait === 0 && over <= 0 && blocked === null && !running;

  useEffect(() => writeDraft(draftKey, text), [draftKey, text]);

  const [taken, setTaken] = useState<Refusal | null>(null);
  if (refusal !== null && refusal !== taken) {
    setTaken(refusal);
    if (refusal.content !== "" && refusal.edits === null) setText(mergeDraft(refusal.content, text));
  }
  useEffect(() => {
    if (refusal !== null && refusal.edits === null) input.current?.focus();
  }, [refusal]);

  useEffect(
    () =>
      takeInserts((more) => {
        setText((before) => (before.trim() === "" ? more : `${before.trimEnd()}\n\n${more}`));
        // After the dialog that it came from has given the focus back.
        setTimeout(() => input.current?.focus(), 0);
      }),
    [],
  );

  useEffect(() => {
    // On a touch screen the focus would bring up the keyboard over the text.
    if (window.matchMedia("(pointer: fine)").matches) input.current?.focus();
  }, []);

  useLayoutEffect(() => {
    const area = input.current;
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, MAX_LINES * LINE_PX + 16)}px`;
  }, [text]);

  function send() {
    if (!canSend) return;
    if (!navigator.onLine) {
      setHeld(true);
      return;
    }
    setHeld(false);
    onDismissRefusal();
    onSend(text.trim());
    setText("");
  }

  const sendNow = useRef(send);
  useEffect(() => {
    sendNow.current = send;
  });
  useEffect(() => {
    if (held && online) sendNow.current();
  }, [held, online]);

  function onKeyDown(event: KeyboardEvent) {
    const plain = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
    if (event.key === "ArrowUp" && plain && text === "" && !running) {
      event.preventDefault();
      onEditLast();
      return;
    }
    // While a word is being composed (Japanese, Chinese), Enter belongs to the input method.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  }

  return (
    <div className="mx-auto w-full max-w-(--measure) px-4 pt-2 pb-4 md:px-0">
      {refusal && refusal.edits === null && (
        <Notice
          tone={refusal.error.status === 429 || refusal.error.status === 402 ? "warning" : "danger"}
          urgent
          className="mb-2"
          actions={
            <IconButton
              label={strings.chat.dismiss}
              size="sm"
              className="text-current hover:text-current"
              onClick={onDismissRefusal}
            >
              <X aria-hidden className="size-4" />
            </IconButton>
          }
        >
          {refusal.error.message}
        </Notice>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
        className="rounded-card border border-line-strong bg-field focus-within:border-accent"
      >
        <textarea
          ref={input}
          id="composer"
          rows={1}
          aria-label={strings.chat.composerLabel}
          aria-describedby={reason ? "composer-reason" : undefined}
          placeholder={placeholder}
          value={text}
          onChange={(event) => {
            preloadMarkdown();
            setText(event.target.value);
            setHeld(false);
          }}
          onKeyDown={onKeyDown}
          className="block max-h-[276px] w-full resize-none overflow-y-auto bg-transparent px-4 pt-3 pb-1 text-reading outline-none"
        />
        <div className="flex flex-wrap items-center gap-2 px-2 pb-2">
          {foot}
          <p
            id="composer-reason"
            className={cn(
              // A line of its own where the window is narrow.
              "min-w-0 text-hint tabular-nums md:flex-1 md:text-right",
              "max-md:order-first max-md:basis-full max-md:px-2 max-md:empty:hidden",
              over > 0 || wait > 0 ? "text-warning" : "text-muted",
            )}
          >
            {reason}
          </p>
          <span className="flex-1 md:hidden" />
          {chip}
          {running ? (
            <button
              type="button"
              aria-label={stopping ? strings.chat.stopping : strings.chat.stop}
              title={strings.chat.stop}
              disabled={stopping}
              onClick={onStop}
              className="flex size-9 shrink-0 items-center justify-center rounded-full bg-text text-page disabled:opacity-60"
            >
              <Square aria-hidden className="size-3.5 fill-current" />
            </button>
          ) : (
            <button
              type="submit"
              aria-label={strings.chat.send}
              title={reason ?? strings.chat.send}
              disabled={!canSend || held}
              className="flex size-9 shrink-0 items-center justify-center rounded-full bg-accent text-on-accent transition-colors hover:bg-accent-hover disabled:bg-selected disabled:text-muted"
            >
              <ArrowUp aria-hidden className="size-[18px]" strokeWidth={2.25} />
            </button>
          )}
        </div>
      </form>
    </div>
  );
}
