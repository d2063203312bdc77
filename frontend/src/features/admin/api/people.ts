import { infiniteQueryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import type { Person } from "@/lib/api/identity-types";
import { queryKeys } from "@/lib/api/query-keys";
import type { Page } from "@/lib/api/types";

/** Accounts whose name or address holds `words`, of a group where its id is not empty, newest first. */
export function peopleQuery(words: string, group: string) {
  return infiniteQueryOptions({
    queryKey: queryKeys.people(words, group),
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ q: words });
      if (group) query.set("group", group);
      if (pageParam) query.set("cursor", pageParam);
      return call<Page<Person>>(`/api/admin/users?${query}`, { signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}
