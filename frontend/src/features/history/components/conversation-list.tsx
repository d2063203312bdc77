"use client";

import { useCallback, useDeferredValue, useMemo, useRef, useState } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Search, X } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { strings } from "@/lib/strings";
import { conversationsQuery } from "../api/list";
import { filterByTitle, groupByDay } from "../group";
import { useConversationActions } from "../use-conversation-actions";
import { ConversationItem } from "./conversation-item";
import { Sentinel } from "./sentinel";

interface ConversationListProps {
  activeId: string | null;
  onOpen: (id: string | null) => void;
  /** Look for words in all messages, not only in the titles that are loaded. */
  onSearch: (words: string) => void;
}

export function ConversationList({ activeId, onOpen, onSearch }: ConversationListProps) {
  const list = useInfiniteQuery(conversationsQuery);
  const [filter, setFilter] = useState("");
  const deferredFilter = useDeferredValue(filter);
  const filterInput = useRef<HTMLInputElement>(null);

  const conversations = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const groups = useMemo(
    () => groupByDay(filterByTitle(conversations, deferredFilter), new Date()),
    [conversations, deferredFilter],
  );

  const onGone = useCallback(
    (id: string) => {
      if (id === activeId) onOpen(null);
    },
    [activeId, onOpen],
  );
  const { actions, failures } = useConversationActions(onGone);

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
              if (event.key === "Enter" && filter.trim() !== "" && !event.nativeEvent.isComposing) onSearch(filter.trim());
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
        {failures.map(({ title, error }) => (
          <Problem key={title} error={error} title={title} className="mb-2" />
        ))}
        {filter.trim() !== "" && (
          <button
            type="button"
            onClick={() => onSearch(filter.trim())}
            className="mb-2 flex w-full items-center gap-2 rounded-control px-3 py-2 text-left text-accent outline-offset-[-2px] hover:bg-hover"
          >
            <Search aria-hidden className="size-4 shrink-0" />
            <span className="min-w-0 truncate">{strings.rail.searchFor(filter.trim())}</span>
          </button>
        )}
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
                  actions={actions}
                />
              ))}
            </ul>
          </section>
        ))}
        {hasNextPage && <Sentinel onSeen={onSentinel} />}
      </div>
    </nav>
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
