"use client";

import { useCallback, useEffect } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { ArchiveRestore, Trash2 } from "lucide-react";
import { PageHeader } from "@/components/page-header";
import { IconButton } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { formatExact, formatWhen } from "@/lib/format";
import { chatHref, useOpenChat } from "@/lib/navigation";
import { strings } from "@/lib/strings";
import { archivedQuery } from "../api/archived";
import { useConversationActions } from "../use-conversation-actions";
import { Sentinel } from "./sentinel";

const stay = () => undefined;

/** The chats that were put away. */
export function ArchivedView() {
  const list = useInfiniteQuery(archivedQuery);
  const openChat = useOpenChat();
  const { actions, failures } = useConversationActions(stay);
  const chats = list.data?.pages.flatMap((page) => page.items) ?? [];
  const now = new Date();

  useEffect(() => {
    document.title = `${strings.archived.title} · ${strings.product}`;
  }, []);

  const { fetchNextPage, hasNextPage, isFetchingNextPage } = list;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);

  return (
    <>
      <PageHeader title={strings.archived.title} />
      <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={-1}>
        <div className="mx-auto w-full max-w-(--measure) space-y-3 px-4 pt-4 pb-16 md:px-6">
          {failures.map(({ title, error }) => (
            <Problem key={title} error={error} title={title} />
          ))}
          {list.isPending && (
            <Skeleton className="space-y-2">
              <Bone className="h-14 w-full" />
              <Bone className="h-14 w-full" />
              <Bone className="h-14 w-full" />
            </Skeleton>
          )}
          {list.error && chats.length === 0 && (
            <Problem error={list.error} title={strings.rail.listFailed} onRetry={() => void list.refetch()} />
          )}
          {list.data && chats.length === 0 && (
            <p className="rounded-card border border-dashed border-line-strong px-4 py-6 text-muted">
              {strings.archived.empty}
            </p>
          )}
          {chats.length > 0 && (
            <ul className="divide-y divide-line rounded-card border border-line">
              {chats.map((chat) => {
                const title = chat.title ?? strings.rail.untitled;
                return (
                  <li key={chat.id} className="flex items-center gap-1 py-2 pr-2 pl-4">
                    <a
                      href={chatHref(chat.id)}
                      onClick={(event) => {
                        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
                        event.preventDefault();
                        openChat(chat.id);
                      }}
                      className="min-w-0 flex-1 rounded-control py-1"
                    >
                      <span className="block truncate font-medium">{title}</span>
                      <span className="block text-hint text-muted" title={formatExact(chat.updated_at)}>
                        {formatWhen(chat.updated_at, now)}
                      </span>
                    </a>
                    <IconButton label={strings.archived.takeOut(title)} onClick={() => actions.archive(chat)}>
                      <ArchiveRestore aria-hidden className="size-4" />
                    </IconButton>
                    <IconButton label={strings.archived.delete(title)} onClick={() => actions.remove(chat)}>
                      <Trash2 aria-hidden className="size-4" />
                    </IconButton>
                  </li>
                );
              })}
            </ul>
          )}
          {hasNextPage && <Sentinel onSeen={more} />}
        </div>
      </div>
    </>
  );
}
