import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { SharedChat } from "@/lib/api/types";

/** A shared conversation, for anyone who has its link. */
export function sharedQuery(token: string) {
  return queryOptions({
    queryKey: queryKeys.shared(token),
    queryFn: ({ signal }) => call<SharedChat>(`/api/shared/${encodeURIComponent(token)}`, { signal, renew: false }),
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
}
