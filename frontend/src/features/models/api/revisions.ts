import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import type { Revisions } from "@/lib/api/operation-types";
import { queryKeys } from "@/lib/api/query-keys";

const POLL_MS = 2_000;

/** Asked again all the time: whoever looks here wants to see it move. */
export const revisionsQuery = queryOptions({
  queryKey: queryKeys.revisions,
  queryFn: ({ signal }) => call<Revisions>("/api/admin/models", { signal }),
  refetchInterval: POLL_MS,
});
