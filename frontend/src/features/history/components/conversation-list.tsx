"use client";

import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Search, X } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { cacheConversation, forgetConversation } from "@/lib/api/conversation-cache";
import type { Conversation } from "@/lib/api/types";
import { strings } from "@/lib/strings";
import { deleteConversation } from "../api/delete";
import { conversationsQuery } from "../api/list";
import { renameConversation } from "../api/rename";
import { filterByTitle, groupByDay } from "../group";
import { ConversationItem, itemId } from "./conversation-item";

interface ConversationListProps {
  activeId: string | null;
  onOpen: (id: string | null) => void;
}

export function ConversationList({ activeId, onOpen }: ConversationListProps) {
  const client = useQueryClient();
  const list = useInfiniteQuery(conversationsQuery);
  const [filter, setFilter] = useState("");
  const deferredFilter = useDeferredValue(filter);
  const [asked, setAsked] = useState<Conversation | null>(null);
  const [confirming, setConfirming] = useState(false);
  const filterInput = useRef<HTMLInputElement>(null);

  const conversations = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const groups = useMemo(
    () => groupByDay(filterByTitle(conversations, deferredFilter), new Date()),
    [conversations, deferredFilter],
  );

  const rename = useMutation({
    mutationFn: ({ conversation, title }: { conversation: Conversation; title: string }) =>
      renameConversation(conversation.id, title),
    onMutate: ({ conversation, title }) => cacheConversation(client, { ...conversation, title }),
    onSuccess: (changed) => cacheConversation(client, changed),
    onError: (_, { conversation }) => cacheConversation(client, conversation),
  });
  const remove = useMutation({
    mutationFn: (conversation: Conversation) => deleteConversation(conversation.id),
    onMutate: (conversation) => {
      forgetConversation(client, conversation.id);
      if (conversation.id === activeId) onOpen(null);
    },
    onError: (_, conversation) => cacheConversation(client, conversation),
  });

  const { mutate: renameTo } = rename;
  const known = useRef(conversations);
  useEffect(() => {
    known.current = conversations;
  }, [conversations]);
  const onRename = useCallback(
    (id: string, title: string) => {
      const conversation = known.current.find((item) => item.id === id);
      if (conversation) renameTo({ conversation, title });
    },
    [renameTo],
  );
  const onAskDelete = useCallback((conversation: Conversation) => {
    setAsked(conversation);
    setConfirming(true);
  }, []);

  const { fetchNextPage, hasNextPage, isFetchingNextPage } = list;
  const onSentinel = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);

  return (
    <nav aria-label={strings.rail.label} className="flex min-h-0 flex-1 flex-col">
      {conversations.length > 0 && (
        <div className="relative mx-3 mb-2">
          <Search aria-hidden className="pointer-events-none absolute top-2.5 left-3 size-4 text-muted" />
          <input
            ref={filterInput}
            type="text"
            aria-label={strings.rail.filter}
            placeholder={strings.rail.filter}
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Escape" || filter === "") return;
              event.stopPropagation();
              setFilter("");
            }}
            className="h-9 w-full rounded-control bg-transparent pr-8 pl-9 outline-offset-[-2px] hover:bg-hover focus:bg-hover"
          />
          {filter !== "" && (
            <IconButton
              label={strings.rail.clearFilter}
              size="sm"
              className="absolute top-1 right-1"
              onClick={() => {
                setFilter("");
                filterInput.current?.focus();
              }}
            >
              <X aria-hidden className="size-3.5" />
            </IconButton>
          )}
        </div>
      )}
      <div className="min-h-0 flex-1 overflow-y-auto px-3 pb-4" tabIndex={-1}>
        {rename.error && <Problem error={rename.error} title={strings.rail.renameFailed} className="mb-2" />}
        {remove.error && <Problem error={remove.error} title={strings.rail.deleteFailed} className="mb-2" />}
        {list.isPending && <ListSkeleton />}
        {list.error && conversations.length === 0 && (
          <Problem error={list.error} title={strings.rail.listFailed} onRetry={() => void list.refetch()} />
        )}
        {list.data && conversations.length === 0 && (
          <p className="px-3 py-2 text-hint text-muted">{strings.rail.empty}</p>
        )}
        {conversations.length > 0 && groups.length === 0 && (
          <p className="px-3 py-2 text-hint text-muted">{strings.rail.noMatch}</p>
        )}
        {groups.map((group) => (
          <section key={group.label} className="mb-3">
            <h2 className="px-3 py-1 text-hint text-muted">{group.label}</h2>
            <ul>
              {group.items.map((conversation) => (
                <ConversationItem
                  key={conversation.id}
                  conversation={conversation}
                  active={conversation.id === activeId}
                  onOpen={onOpen}
                  onRename={onRename}
                  onAskDelete={onAskDelete}
                />
              ))}
            </ul>
          </section>
        ))}
        {hasNextPage && <Sentinel onSeen={onSentinel} />}
      </div>
      <Confirm
        open={confirming}
        onOpenChange={setConfirming}
        title={strings.rail.deleteTitle}
        detail={strings.rail.deleteDetail(asked?.title ?? strings.rail.untitled)}
        confirm={strings.rail.delete}
        onConfirm={() => asked && remove.mutate(asked)}
        returnFocus={() => (asked && document.getElementById(itemId(asked.id))) ?? filterInput.current}
      />
    </nav>
  );
}

/** Asks for the next page whenever it scrolls into view. */
function Sentinel({ onSeen }: { onSeen: () => void }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!element.current) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) onSeen();
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [onSeen]);
  return (
    <div ref={element}>
      <Skeleton className="space-y-1 px-3 py-2">
        <Bone className="h-5 w-3/4" />
      </Skeleton>
    </div>
  );
}

function ListSkeleton() {
  return (
    <Skeleton className="space-y-4 px-3 py-2">
      {["w-1/3 h-4", "w-5/6 h-5", "w-2/3 h-5", "w-3/4 h-5", "w-1/2 h-5", "w-4/5 h-5"].map((size) => (
        <Bone key={size} className={size} />
      ))}
    </Skeleton>
  );
}
