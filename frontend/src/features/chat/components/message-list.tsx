"use client";

import { Suspense, useMemo } from "react";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import type { Message, Model } from "@/lib/api/types";
import { answerOf, type LiveTurn } from "../live/turn-state";
import { AnswerMessage } from "./answer-message";
import { UserMessage } from "./user-message";

/** This many messages at the end are always laid out. */
const NEAR_END = 12;

interface MessageListProps {
  /** What stands above the growing answer. */
  messages: Message[];
  turn: LiveTurn | null;
  models: Model[];
  onRetry: (message: Message) => void;
  onReconnect: (conversationId: string) => void;
}

export function MessageList({ messages, turn, models, onRetry, onReconnect }: MessageListProps) {
  const growing = useMemo(() => turn && answerOf(turn, ""), [turn]);
  const shown = growing ? [...messages, growing] : messages;
  const titles = useMemo(() => new Map(models.map((model) => [model.name, model.title])), [models]);

  return (
    <Suspense fallback={<MessagesSkeleton />}>
      {shown.map((message, index) =>
        message.role === "user" ? (
          <UserMessage key={message.id} message={message} far={index < shown.length - NEAR_END} />
        ) : (
          <AnswerMessage
            key={message.id}
            message={message}
            live={message === growing}
            connection={message === growing && turn ? turn.connection : "open"}
            modelTitle={titles.get(message.model ?? "") ?? message.model ?? ""}
            last={index === shown.length - 1}
            far={index < shown.length - NEAR_END}
            onRetry={onRetry}
            onReconnect={onReconnect}
          />
        ),
      )}
    </Suspense>
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
