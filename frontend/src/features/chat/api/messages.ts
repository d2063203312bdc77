import { infiniteQueryOptions, type InfiniteData } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { Message, Page } from "@/lib/api/types";

const PAGE_SIZE = 100;

export type MessagePages = InfiniteData<Page<Message>, string | null>;

/** Pages from the newest back: `pages[0]` is the end of the conversation, each page oldest first. */
export function messagesQuery(conversationId: string) {
  return infiniteQueryOptions({
    queryKey: queryKeys.messages(conversationId),
    queryFn: ({ pageParam, signal }) => {
      const before = pageParam === null ? "" : `&before=${encodeURIComponent(pageParam)}`;
      return call<Page<Message>>(`/api/conversations/${conversationId}/messages?limit=${PAGE_SIZE}${before}`, {
        signal,
      });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    // Settled turns and pushed events write here; a refetch for focus alone would only race with them.
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  });
}
