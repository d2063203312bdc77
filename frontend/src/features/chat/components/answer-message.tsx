"use client";

import { memo, useState } from "react";
import { ArrowRight, ChevronDown, RotateCcw } from "lucide-react";
import { Button, IconButton } from "@/components/ui/button";
import { Menu } from "@/components/ui/menu";
import { Notice } from "@/components/ui/notice";
import type { Message, Model, TurnStatus } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { strings } from "@/lib/strings";
import { Markdown } from "../markdown/lazy-markdown";
import { AnswerDetails } from "./answer-details";
import { AnswerRating } from "./answer-rating";
import { BranchArrows, type GoToBranch } from "./branch-arrows";
import { ContextNote } from "./context-note";
import { useLiveText } from "./live-turns-context";
import { CopyButton, MessageActions } from "./message-actions";

export interface AnswerActions {
  /** Ask for another answer to the same message, with another model when one is named. */
  onRetry: (message: Message, model?: string) => void;
  onReconnect: (conversationId: string) => void;
  /** Send the message that asks a model to go on. */
  onAskOn: () => void;
}

interface AnswerMessageProps {
  message: Message;
  /** The answer is growing here and now: its text comes from the live turn. */
  live: boolean;
  connection: "open" | "reconnecting" | "lost";
  engine: TurnStatus;
  modelTitle: string;
  models: Model[];
  /** The newest answer keeps its actions in view. */
  last: boolean;
  locked: boolean;
  onGoToBranch: GoToBranch;
  actions: AnswerActions;
}

export const AnswerMessage = memo(function AnswerMessage(props: AnswerMessageProps) {
  const { message, live, connection, engine, modelTitle, actions } = props;
  const carriedOn = engine.state === "reconnecting";
  const liveText = useLiveText(live ? message.conversation_id : null);
  const text = live ? liveText : message.content;

  return (
    <article className="group pb-2">
      <h2 className="sr-only">{strings.chat.answer(modelTitle)}</h2>
      <ContextNote message={message} last={props.last} />
      {text !== "" && <Markdown text={text} growing={live} />}
      {live && text === "" && connection === "open" && !carriedOn && <ThinkingDots />}
      {live && text === "" && connection === "open" && engine.state === "queued" && engine.place !== null && (
        <Quietly hint={strings.chat.queuedHint}>{strings.chat.queued(engine.place)}</Quietly>
      )}
      {live && connection === "reconnecting" && <Quietly>{strings.chat.reconnecting}</Quietly>}
      {live && connection === "open" && carriedOn && <Quietly hint={strings.chat.carriedOn}>{strings.chat.reconnecting}</Quietly>}
      {live && connection === "lost" && (
        <Notice
          tone="warning"
          urgent
          className="mt-4"
          actions={
            <Button size="sm" onClick={() => actions.onReconnect(message.conversation_id)}>
              <RotateCcw aria-hidden className="size-3.5" />
              {strings.chat.reconnect}
            </Button>
          }
        >
          {strings.chat.connectionLost}
        </Notice>
      )}
      {!live && <Ending {...props} />}
      {!live && <Actions {...props} />}
    </article>
  );
});

/** Why an answer ended early, and what can be done about it. */
function Ending({ message, last, locked, actions }: AnswerMessageProps) {
  const ways = last && !locked && (
    <>
      {message.content !== "" && <AskOn onAskOn={actions.onAskOn} />}
      {message.status !== "complete" && message.error?.retry !== false && (
        <Button size="sm" onClick={() => actions.onRetry(message)}>
          <RotateCcw aria-hidden className="size-3.5" />
          {strings.chat.retry}
        </Button>
      )}
    </>
  );
  if (message.status === "failed") {
    const kept = message.content !== "" ? ` ${strings.chat.failedKept}` : "";
    return (
      <Notice tone="danger" className="mt-4" actions={ways}>
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
  return (
    note && (
      <div className="mt-3 flex flex-wrap items-center gap-2">
        <p className="mr-1 text-hint text-muted">{note}</p>
        {ways}
      </div>
    )
  );
}

/** Says what it does: it sends a message, and the model may or may not find its thread again. */
function AskOn({ onAskOn }: { onAskOn: () => void }) {
  return (
    <Button size="sm" title={strings.chat.askOnHint(strings.chat.askOnMessage)} onClick={onAskOn}>
      <ArrowRight aria-hidden className="size-3.5" />
      {strings.chat.askOn}
    </Button>
  );
}

function Actions({ message, modelTitle, models, last, locked, onGoToBranch, actions }: AnswerMessageProps) {
  const [open, setOpen] = useState(false);
  const others = models.filter(({ name, state }) => name !== message.model && state === "ready");
  // A failed or stopped answer at the end has its own, larger button.
  const plainRetry = message.turn_id !== null && (message.status === "complete" || !last);
  return (
    <>
      <MessageActions shown={last || open || (message.siblings?.count ?? 1) > 1} className="mt-1 -ml-2">
        <BranchArrows message={message} locked={locked} onGo={onGoToBranch} />
        {message.content !== "" && <CopyButton text={message.content} />}
        {message.content !== "" && message.turn_id !== null && <AnswerRating message={message} />}
        {plainRetry && (
          <IconButton label={strings.chat.retry} size="sm" disabled={locked} onClick={() => actions.onRetry(message)}>
            <RotateCcw aria-hidden className="size-4" />
          </IconButton>
        )}
        {message.turn_id !== null && others.length > 0 && (
          <Menu
            trigger={
              <IconButton label={strings.chat.retryWith} size="sm" disabled={locked} className="-ml-1 w-5">
                <ChevronDown aria-hidden className="size-3.5" />
              </IconButton>
            }
            entries={[
              { kind: "label", label: strings.chat.retryWith },
              ...others.map(({ name, title }) => ({
                kind: "item" as const,
                label: title,
                onSelect: () => actions.onRetry(message, name),
              })),
            ]}
          />
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
      </MessageActions>
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

function Quietly({ children, hint }: { children: string; hint?: string }) {
  return (
    <p role="status" title={hint} className="mt-3 flex items-center gap-2 text-hint text-muted">
      <span aria-hidden className="size-2 shrink-0 animate-pulse rounded-full bg-warning" />
      {children}
    </p>
  );
}
