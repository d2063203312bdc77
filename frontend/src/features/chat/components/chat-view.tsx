"use client";

import { useCallback, useEffect, useMemo, useRef } from "react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ArrowDown, SquarePen } from "lucide-react";
import { PageHeader } from "@/components/page-header";
import { Button, IconButton } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { toApiError } from "@/lib/api/error";
import { cn } from "@/lib/cn";
import { useEscape } from "@/lib/hooks/use-escape";
import { useChatId, useOpenChat } from "@/lib/navigation";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";
import { conversationQuery } from "../api/conversation";
import { messagesQuery } from "../api/messages";
import { isWaking } from "../choose-model";
import { NEW_CHAT, writeDraft } from "../draft";
import { flatten, messagesBefore } from "../live/visible-messages";
import { preloadMarkdown } from "../markdown/lazy-markdown";
import { Announcer } from "./announcer";
import type { AnswerActions } from "./answer-message";
import { Composer } from "./composer";
import { ComposerFoot } from "./composer-foot";
import { LimitChip } from "./limit-chip";
import { useLiveTurn, useLiveTurns, useRefusal } from "./live-turns-context";
import { MessageList, MessagesSkeleton } from "./message-list";
import { OlderMessages, useKeepPlace } from "./older-messages";
import { useBranches } from "./use-branches";
import { useChatModel } from "./use-chat-model";
import { useComposerKey } from "./use-composer-key";
import { useEditing } from "./use-editing";
import { useFollowEnd } from "./use-follow-end";
import { useLimits } from "./use-limits";
import { useSend } from "./use-send";
import { WakingModel } from "./waking-model";

/** A conversation, or the place to begin one. */
export function ChatView() {
  const id = useChatId();
  const openChat = useOpenChat();
  const user = useUser();
  const turns = useLiveTurns();
  const turn = useLiveTurn(id);
  const refusal = useRefusal(id ?? NEW_CHAT);
  const running = turn !== null;

  const conversation = useQuery({ ...conversationQuery(id ?? ""), enabled: id !== null });
  const history = useInfiniteQuery({ ...messagesQuery(id ?? ""), enabled: id !== null });
  const loaded = useMemo(() => flatten(history.data), [history.data]);
  const messages = useMemo(() => messagesBefore(loaded, turn), [loaded, turn]);
  const { models, model, blocked } = useChatModel(id, conversation.data?.model ?? null);
  const { send, creating, begun } = useSend(id, model, messages.at(-1) ?? null);
  const limits = useLimits();

  const { scroller, content, atEnd, toEnd, letGo } = useFollowEnd(id);
  const rememberPlace = useKeepPlace(scroller, messages[0]?.id);
  const branches = useBranches(id, loaded, scroller, letGo);
  const editing = useEditing(id, refusal, (message, text) => {
    send(text, message);
    toEnd();
  });

  // A chat with messages needs it at once; a new one when something is being written.
  useEffect(() => {
    if (id !== null) preloadMarkdown();
  }, [id]);

  // After a reload in mid-answer, or when another tab asked: take up what is running.
  const unfinished = loaded.findLast((message) => message.status === "streaming");
  useEffect(() => {
    if (unfinished && turns.turn(unfinished.conversation_id) === null) turns.resume(unfinished);
  }, [turns, unfinished]);

  const latest = useRef({ model, send });
  useEffect(() => {
    latest.current = { model, send };
  });
  const actions = useMemo<AnswerActions>(
    () => ({
      onRetry: (answer, named) => {
        const name = named ?? latest.current.model?.name ?? answer.model;
        if (name) turns.retry(answer, name);
      },
      onReconnect: (conversationId) => turns.reconnect(conversationId),
      onAskOn: () => latest.current.send(strings.chat.askOnMessage),
    }),
    [turns],
  );
  const stop = useCallback(() => {
    if (id !== null) turns.stop(id);
  }, [id, turns]);
  useEscape(running, stop);

  const gone = id !== null && isGone(conversation.error ?? history.error);
  const empty = id === null || (history.data !== undefined && messages.length === 0 && !running);
  const lastQuestion = messages.findLast((message) => message.role === "user");
  const title = id === null ? strings.rail.newChat : (conversation.data?.title ?? strings.rail.untitled);
  const draftKey = `${user.id}.${id ?? NEW_CHAT}`;
  const composer = useComposerKey(user.id, id, begun);

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
            {branches.error && (
              <Problem error={branches.error} title={strings.chat.branchFailed} className="mt-4" />
            )}
            <MessageList
              scroller={scroller}
              messages={messages}
              turn={turn}
              models={models}
              editing={editing}
              onGoToBranch={branches.go}
              actions={actions}
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
      {model && isWaking(model) && <WakingModel model={model} />}
      <Composer
        key={composer}
        draftKey={draftKey}
        placeholder={empty ? strings.chat.placeholder : strings.chat.placeholderReply}
        running={running}
        stopping={turn?.phase === "stopping"}
        onStop={stop}
        blocked={creating ? "" : blocked}
        refusal={refusal}
        onDismissRefusal={() => turns.clearRefusal(id ?? NEW_CHAT)}
        onSend={(text) => {
          writeDraft(draftKey, "");
          send(text);
          if (id !== null) toEnd();
        }}
        onEditLast={() => lastQuestion && editing.onBegin(lastQuestion)}
        spentUntil={limits.blockedUntil}
        foot={<ComposerFoot chatId={id} conversation={conversation.data} models={models} model={model} />}
        chip={<LimitChip state={limits} />}
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
