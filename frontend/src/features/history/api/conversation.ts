import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { Conversation } from "@/lib/api/types";

export function conversationQuery(id: string) {
  return queryOptions({
    queryKey: queryKeys.conversation(id),
    queryFn: ({ signal }) => call<Conversation>(`/api/conversations/${id}`, { signal }),
    staleTime: 60_000,
  });
}
