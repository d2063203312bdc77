"use client";

import { Suspense, useMemo, type RefObject } from "react";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import type { Message, Model } from "@/lib/api/types";
import type { Refusal } from "../live/live-turns";
import { answerOf, RUNNING, type LiveTurn } from "../live/turn-state";
import { AnswerMessage, type AnswerActions } from "./answer-message";
import type { GoToBranch } from "./branch-arrows";
import { EditMessage } from "./edit-message";
import { Slot, SlotProvider } from "./slot";
import { UserMessage } from "./user-message";

/** This many messages at the end are always there. */
const KEPT_AT_END = 6;

export interface Editing {
  /** The message being written anew; null when none is. */
  id: string | null;
  refusal: Refusal | null;
  onBegin: (message: Message) => void;
  onSend: (message: Message, content: string) => void;
  onCancel: (message: Message) => void;
}

interface MessageListProps {
  scroller: RefObject<HTMLElement | null>;
  /** What stands above the growing answer. */
  messages: Message[];
  turn: LiveTurn | null;
  models: Model[];
  editing: Editing;
  onGoToBranch: GoToBranch;
  actions: AnswerActions;
}

export function MessageList({ scroller, messages, turn, models, editing, onGoToBranch, actions }: MessageListProps) {
  const growing = useMemo(() => turn && answerOf(turn, ""), [turn]);
  const shown = growing ? [...messages, growing] : messages;
  const titles = useMemo(() => new Map(models.map((model) => [model.name, model.title])), [models]);
  const locked = turn !== null;

  return (
    <SlotProvider scroller={scroller}>
      <Suspense fallback={<MessagesSkeleton />}>
        {shown.map((message, index) => (
          <Slot key={message.id} kept={index >= shown.length - KEPT_AT_END || message.id === editing.id}>
            {message.role === "user" ? (
              message.id === editing.id && !locked ? (
                <EditMessage
                  message={message}
                  refusal={editing.refusal}
                  onSend={(content) => editing.onSend(message, content)}
                  onCancel={() => editing.onCancel(message)}
                />
              ) : (
                <UserMessage
                  message={message}
                  locked={locked}
                  onEdit={editing.onBegin}
                  onGoToBranch={onGoToBranch}
                />
              )
            ) : (
              <AnswerMessage
                message={message}
                live={message === growing}
                connection={message === growing && turn ? turn.connection : "open"}
                engine={message === growing && turn ? turn.engine : RUNNING}
                modelTitle={titles.get(message.model ?? "") ?? message.model ?? ""}
                models={models}
                last={index === shown.length - 1}
                locked={locked}
                onGoToBranch={onGoToBranch}
                actions={actions}
              />
            )}
          </Slot>
        ))}
      </Suspense>
    </SlotProvider>
  );
}

export function MessagesSkeleton() {
  return (
    <Skeleton className="space-y-8 pt-4">
      {[1, 2].map((pair) => (
        <div key={pair} className="space-y-6">
          <div className="flex justify-end">
            <Bone className="h-11 w-2/5" />
          </div>
          <div className="space-y-3">
            <Bone className="h-4 w-full" />
            <Bone className="h-4 w-11/12" />
            <Bone className="h-4 w-3/5" />
          </div>
        </div>
      ))}
    </Skeleton>
  );
}
