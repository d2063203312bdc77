import { infiniteQueryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { Page, SearchHit } from "@/lib/api/types";

const PAGE_SIZE = 20;

/** Titles and messages that hold the words, best first. */
export function searchQuery(words: string) {
  return infiniteQueryOptions({
    queryKey: queryKeys.search(words),
    queryFn: ({ pageParam, signal }) => {
      const cursor = pageParam === null ? "" : `&cursor=${encodeURIComponent(pageParam)}`;
      return call<Page<SearchHit>>(`/api/search?q=${encodeURIComponent(words)}&limit=${PAGE_SIZE}${cursor}`, { signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    staleTime: 30_000,
  });
}
