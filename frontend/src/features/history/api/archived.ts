import { infiniteQueryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { Conversation, Page } from "@/lib/api/types";

const PAGE_SIZE = 50;

export const archivedQuery = infiniteQueryOptions({
  queryKey: queryKeys.archived,
  queryFn: ({ pageParam, signal }) => {
    const cursor = pageParam === null ? "" : `&cursor=${encodeURIComponent(pageParam)}`;
    return call<Page<Conversation>>(`/api/conversations?archived=true&limit=${PAGE_SIZE}${cursor}`, { signal });
  },
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
});
