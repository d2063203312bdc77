"use client";

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowDown, SquarePen } from "lucide-react";
import { PageHeader } from "@/components/page-header";
import { Button, IconButton } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { cacheConversation } from "@/lib/api/conversation-cache";
import { toApiError } from "@/lib/api/error";
import { queryKeys } from "@/lib/api/query-keys";
import type { Message } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useChatId, useOpenChat } from "@/lib/navigation";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";
import { conversationQuery } from "../api/conversation";
import { createConversation } from "../api/create-conversation";
import { messagesQuery, type MessagePages } from "../api/messages";
import { modelsQuery } from "../api/models";
import { chooseModel, notReadyReason, readLastModel, rememberModel } from "../choose-model";
import { NEW_CHAT, writeDraft } from "../draft";
import { flatten, messagesBefore } from "../live/visible-messages";
import { preloadMarkdown } from "../markdown/lazy-markdown";
import { Announcer } from "./announcer";
import { Composer } from "./composer";
import { useLiveTurn, useLiveTurns, useRefusal } from "./live-turns-context";
import { MessageList, MessagesSkeleton } from "./message-list";
import { ModelPicker } from "./model-picker";
import { OlderMessages, useKeepPlace } from "./older-messages";
import { useFollowEnd } from "./use-follow-end";

/** A conversation, or the place to begin one. */
export function ChatView() {
  const id = useChatId();
  const openChat = useOpenChat();
  const client = useQueryClient();
  const user = useUser();
  const turns = useLiveTurns();
  const turn = useLiveTurn(id);
  const refusal = useRefusal(id ?? NEW_CHAT);

  const models = useQuery(modelsQuery);
  const conversation = useQuery({ ...conversationQuery(id ?? ""), enabled: id !== null });
  const history = useInfiniteQuery({ ...messagesQuery(id ?? ""), enabled: id !== null });
  const loaded = useMemo(() => flatten(history.data), [history.data]);
  const messages = useMemo(() => messagesBefore(loaded, turn), [loaded, turn]);

  const [picked, setPicked] = useState<{ chat: string | null; model: string } | null>(null);
  const [creating, setCreating] = useState(false);
  const pickedHere = picked?.chat === id ? picked.model : null;
  const model = useMemo(
    () => chooseModel(models.data ?? [], pickedHere, conversation.data?.model ?? null, readLastModel()),
    [models.data, pickedHere, conversation.data?.model],
  );

  const { scroller, content, atEnd, toEnd } = useFollowEnd(id);
  const rememberPlace = useKeepPlace(scroller, messages[0]?.id);

  // A chat with messages needs it at once; a new one when something is being written.
  useEffect(() => {
    if (id !== null) preloadMarkdown();
  }, [id]);

  // After a reload in mid-answer, or when another tab asked: take up what is running.
  const unfinished = loaded.findLast((message) => message.status === "streaming");
  useEffect(() => {
    if (unfinished && turns.turn(unfinished.conversation_id) === null) turns.resume(unfinished);
  }, [turns, unfinished]);

  async function send(text: string) {
    if (model === null) return;
    rememberModel(model.name);
    if (id !== null) {
      turns.start(id, text, model.name);
      toEnd();
      return;
    }
    setCreating(true);
    try {
      const created = await createConversation(model.name);
      client.setQueryData<MessagePages>(queryKeys.messages(created.id), {
        pages: [{ items: [], next_cursor: null }],
        pageParams: [null],
      });
      cacheConversation(client, created);
      turns.start(created.id, text, model.name);
      openChat(created.id);
    } catch (error) {
      turns.refuse(NEW_CHAT, text, error);
    } finally {
      setCreating(false);
    }
  }

  const modelName = useRef<string | null>(null);
  useEffect(() => {
    modelName.current = model?.name ?? null;
  }, [model]);
  const onRetry = useCallback(
    (answer: Message) => {
      const name = modelName.current ?? answer.model;
      if (name) turns.retry(answer, name);
    },
    [turns],
  );
  const onReconnect = useCallback((conversationId: string) => turns.reconnect(conversationId), [turns]);
  const stop = useCallback(() => {
    if (id !== null) void turns.stop(id);
  }, [id, turns]);

  const running = turn !== null;
  useEffect(() => {
    if (!running) return;
    const onKeyDown = (event: globalThis.KeyboardEvent) => {
      // Whatever was open (a menu, a dialog, a field being renamed) took the key first.
      if (event.key === "Escape" && !event.defaultPrevented) stop();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [running, stop]);

  const gone = id !== null && isGone(conversation.error ?? history.error);
  const empty = id === null || (history.data !== undefined && messages.length === 0 && !running);
  const title = id === null ? strings.rail.newChat : (conversation.data?.title ?? strings.rail.untitled);
  const draftKey = `${user.id}.${id ?? NEW_CHAT}`;

  useEffect(() => {
    document.title = id === null ? strings.product : `${title} · ${strings.product}`;
  }, [id, title]);

  if (gone) return <GoneChat onNew={() => openChat(null)} />;

  return (
    <>
      <PageHeader
        title={title}
        actions={
          <span className="md:hidden">
            <IconButton label={strings.rail.newChat} onClick={() => openChat(null)}>
              <SquarePen aria-hidden className="size-[18px]" />
            </IconButton>
          </span>
        }
      />
      <div className="relative min-h-0 flex-1">
        <div
          ref={scroller}
          className={cn("h-full overflow-y-auto", atEnd && "[overflow-anchor:none]")}
          role="log"
          aria-live="off"
          aria-label={strings.chat.log}
          tabIndex={0}
        >
          <div ref={content} className="mx-auto w-full max-w-(--measure) px-4 pb-8 md:px-0">
            {history.error && !history.data && id !== null && (
              <Problem
                error={history.error}
                title={strings.chat.messagesFailed}
                onRetry={() => void history.refetch()}
                className="mt-4"
              />
            )}
            {id !== null && history.isPending && <MessagesSkeleton />}
            {history.hasNextPage && (
              <OlderMessages
                scroller={scroller}
                loading={history.isFetchingNextPage}
                onLoad={() => {
                  rememberPlace();
                  void history.fetchNextPage();
                }}
              />
            )}
            <MessageList
              messages={messages}
              turn={turn}
              models={models.data ?? []}
              onRetry={onRetry}
              onReconnect={onReconnect}
            />
          </div>
          {empty && <Greeting name={user.name} />}
        </div>
        {!atEnd && (
          <Button
            size="sm"
            className="absolute bottom-3 left-1/2 -translate-x-1/2 rounded-full bg-raised shadow-float"
            onClick={() => toEnd("smooth")}
          >
            <ArrowDown aria-hidden className="size-4" />
            {running ? strings.chat.newText : strings.chat.toEnd}
          </Button>
        )}
      </div>
      <Composer
        key={draftKey}
        draftKey={draftKey}
        placeholder={empty ? strings.chat.placeholder : strings.chat.placeholderReply}
        running={running}
        stopping={turn?.phase !== "answering"}
        onStop={stop}
        blocked={
          creating || models.isPending
            ? models.isPending
              ? strings.chat.loadingModels
              : ""
            : models.error && !models.data
              ? strings.models.failed
              : notReadyReason(model)
        }
        refusal={refusal}
        onDismissRefusal={() => turns.clearRefusal(id ?? NEW_CHAT)}
        onSend={(text) => {
          writeDraft(draftKey, "");
          void send(text);
        }}
        foot={
          <ModelPicker
            models={models.data ?? []}
            selected={model}
            onSelect={(name) => setPicked({ chat: id, model: name })}
          />
        }
      />
      <Announcer conversationId={id} />
    </>
  );
}

function isGone(error: unknown): boolean {
  if (!error) return false;
  const { status } = toApiError(error);
  return status === 404 || status === 422;
}

function Greeting({ name }: { name: string }) {
  const first = name.trim().split(/\s+/)[0] ?? "";
  return (
    <div className="absolute inset-0 flex flex-col items-center justify-center gap-2 px-6 text-center">
      <p className="text-title font-semibold text-balance">{strings.chat.emptyTitle(first)}</p>
      <p className="text-ui text-muted">{strings.chat.emptyHint}</p>
    </div>
  );
}

function GoneChat({ onNew }: { onNew: () => void }) {
  return (
    <>
      <PageHeader title={strings.chat.gone} />
      <div className="flex flex-1 flex-col items-center justify-center gap-4 px-6 text-center">
        <p className="text-ui text-muted">{strings.chat.goneDetail}</p>
        <Button variant="primary" onClick={onNew}>
          {strings.chat.startNew}
        </Button>
      </div>
    </>
  );
}
