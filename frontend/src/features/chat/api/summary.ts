import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { Summary } from "@/lib/api/types";

export function summaryQuery(conversationId: string) {
  return queryOptions({
    queryKey: queryKeys.summary(conversationId),
    queryFn: ({ signal }) => call<Summary>(`/api/conversations/${conversationId}/summary`, { signal }),
    retry: false,
  });
}
