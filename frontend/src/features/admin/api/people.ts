import { infiniteQueryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import type { Person } from "@/lib/api/identity-types";
import { queryKeys } from "@/lib/api/query-keys";
import type { Page } from "@/lib/api/types";

/** Accounts whose name or address holds `words`, newest first. */
export function peopleQuery(words: string) {
  return infiniteQueryOptions({
    queryKey: queryKeys.people(words),
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ q: words, ...(pageParam ? { cursor: pageParam } : {}) });
      return call<Page<Person>>(`/api/admin/users?${query}`, { signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}
