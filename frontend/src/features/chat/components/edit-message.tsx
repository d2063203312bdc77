"use client";

import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import type { Message } from "@/lib/api/types";
import { formatWait } from "@/lib/format";
import { useCountdown } from "@/lib/hooks/use-countdown";
import { strings } from "@/lib/strings";
import type { Refusal } from "../live/live-turns";

interface EditMessageProps {
  message: Message;
  /** What was written before and came back; null at the first try. */
  refusal: Refusal | null;
  onSend: (content: string) => void;
  onCancel: () => void;
}

/** A message of one's own, being written anew in its place. */
export function EditMessage({ message, refusal, onSend, onCancel }: EditMessageProps) {
  const [text, setText] = useState(refusal?.content ?? message.content);
  const input = useRef<HTMLTextAreaElement>(null);
  const wait = useCountdown(refusal?.retryAt ?? null);
  const canSend = text.trim() !== "" && wait === 0;

  useEffect(() => {
    const area = input.current;
    area?.focus();
    area?.setSelectionRange(area.value.length, area.value.length);
  }, []);

  function send() {
    if (canSend) onSend(text.trim());
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Escape") {
      event.preventDefault();
      onCancel();
    }
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  }

  return (
    <article className="pt-8 pb-4">
      <h2 className="sr-only">{strings.chat.you}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
        className="rounded-card border border-line-strong bg-field focus-within:border-accent"
      >
        <textarea
          ref={input}
          aria-label={strings.chat.editLabel}
          aria-describedby="edit-hint"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
          className="block max-h-[276px] min-h-[58px] w-full resize-none bg-transparent px-4 pt-3 pb-1 text-reading outline-none field-sizing-content"
        />
        {refusal && (
          <Notice tone="warning" urgent className="mx-3 mb-2">
            {refusal.error.message}
          </Notice>
        )}
        <div className="flex flex-wrap items-center justify-end gap-2 px-3 pb-3">
          <p id="edit-hint" className="min-w-0 flex-1 text-hint text-muted tabular-nums">
            {wait > 0 ? strings.chat.waitToSend(formatWait(wait)) : strings.chat.editHint}
          </p>
          <Button size="sm" onClick={onCancel}>
            {strings.status.cancel}
          </Button>
          <Button size="sm" variant="primary" type="submit" disabled={!canSend}>
            {strings.chat.sendEdit}
          </Button>
        </div>
      </form>
    </article>
  );
}
