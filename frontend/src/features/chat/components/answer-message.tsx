"use client";

import { memo, useState } from "react";
import { Check, ChevronDown, Copy, RotateCcw, X } from "lucide-react";
import { Button, IconButton } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import type { Message } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useCopy } from "@/lib/hooks/use-copy";
import { strings } from "@/lib/strings";
import { Markdown } from "../markdown/lazy-markdown";
import { AnswerDetails } from "./answer-details";
import { useLiveText } from "./live-turns-context";

interface AnswerMessageProps {
  message: Message;
  /** The answer is growing here and now: its text comes from the live turn. */
  live: boolean;
  connection: "open" | "reconnecting" | "lost";
  modelTitle: string;
  /** The newest answer keeps its actions in view and may be asked for again. */
  last: boolean;
  /** Far enough from the end to be skipped while it is out of view. */
  far: boolean;
  onRetry: (message: Message) => void;
  onReconnect: (conversationId: string) => void;
}

export const AnswerMessage = memo(function AnswerMessage(props: AnswerMessageProps) {
  const { message, live, connection, modelTitle, last, far, onRetry, onReconnect } = props;
  const liveText = useLiveText(live ? message.conversation_id : null);
  const text = live ? liveText : message.content;
  const trimmed = message.trimmed_messages ?? 0;

  return (
    <article className={cn("message group pb-2", far && "message-far")}>
      <h2 className="sr-only">{strings.chat.answer(modelTitle)}</h2>
      {trimmed > 0 && <p className="mb-3 text-hint text-muted">{strings.chat.trimmed(trimmed)}</p>}
      {text !== "" && <Markdown text={text} growing={live} />}
      {live && text === "" && connection === "open" && <ThinkingDots />}
      {live && connection === "reconnecting" && <Reconnecting />}
      {live && connection === "lost" && (
        <Notice
          tone="warning"
          urgent
          className="mt-4"
          actions={
            <Button size="sm" onClick={() => onReconnect(message.conversation_id)}>
              <RotateCcw aria-hidden className="size-3.5" />
              {strings.chat.reconnect}
            </Button>
          }
        >
          {strings.chat.connectionLost}
        </Notice>
      )}
      {!live && <Ending message={message} last={last} onRetry={onRetry} />}
      {!live && <Actions message={message} last={last} onRetry={onRetry} modelTitle={modelTitle} />}
    </article>
  );
});

/** Why an answer ended early, and what can be done about it. */
function Ending({ message, last, onRetry }: Pick<AnswerMessageProps, "message" | "last" | "onRetry">) {
  if (message.status === "failed") {
    const kept = message.content !== "" ? ` ${strings.chat.failedKept}` : "";
    return (
      <Notice
        tone="danger"
        className="mt-4"
        actions={
          last &&
          message.error?.retry !== false && (
            <Button size="sm" onClick={() => onRetry(message)}>
              <RotateCcw aria-hidden className="size-3.5" />
              {strings.chat.retry}
            </Button>
          )
        }
      >
        {(message.error?.message ?? strings.errors.server) + kept}
      </Notice>
    );
  }
  const note =
    message.status === "stopped"
      ? message.content === ""
        ? strings.chat.stoppedEmpty
        : strings.chat.stopped
      : message.finish_reason === "length"
        ? strings.chat.lengthReached
        : null;
  return note && <p className="mt-3 text-hint text-muted">{note}</p>;
}

function Actions({
  message,
  last,
  onRetry,
  modelTitle,
}: Pick<AnswerMessageProps, "message" | "last" | "onRetry" | "modelTitle">) {
  const [open, setOpen] = useState(false);
  const { state, copy } = useCopy();
  const CopyIcon = state === "copied" ? Check : state === "failed" ? X : Copy;
  const copyLabel =
    state === "copied" ? strings.chat.copied : state === "failed" ? strings.chat.copyFailed : strings.chat.copy;
  return (
    <>
      <div
        className={cn(
          "mt-1 -ml-2 flex items-center gap-0.5 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100",
          "pointer-coarse:opacity-100",
          !last && !open && "opacity-0",
        )}
      >
        {message.content !== "" && (
          <IconButton label={copyLabel} size="sm" onClick={() => copy(message.content)}>
            <CopyIcon aria-hidden className="size-4" />
          </IconButton>
        )}
        {last && message.status !== "failed" && (
          <IconButton label={strings.chat.retry} size="sm" onClick={() => onRetry(message)}>
            <RotateCcw aria-hidden className="size-4" />
          </IconButton>
        )}
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="inline-flex h-7 items-center gap-1 rounded-control px-2 text-hint text-muted hover:bg-hover hover:text-text"
        >
          {strings.chat.details}
          <ChevronDown aria-hidden className={cn("size-3.5 transition-transform", open && "rotate-180")} />
        </button>
      </div>
      {open && <AnswerDetails message={message} modelTitle={modelTitle} />}
    </>
  );
}

function ThinkingDots() {
  return (
    <p className="flex h-[26px] items-center gap-1.5" role="img" aria-label={strings.chat.thinking}>
      {["", "[animation-delay:150ms]", "[animation-delay:300ms]"].map((delay) => (
        <span key={delay} className={cn("size-2 animate-dot rounded-full bg-muted", delay)} />
      ))}
    </p>
  );
}

function Reconnecting() {
  return (
    <p role="status" className="mt-3 flex items-center gap-2 text-hint text-muted">
      <span aria-hidden className="size-2 animate-pulse rounded-full bg-warning" />
      {strings.chat.reconnecting}
    </p>
  );
}
