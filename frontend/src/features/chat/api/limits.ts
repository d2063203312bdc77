import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { Limits } from "@/lib/api/types";

/** Pushed events keep this fresh for people with budgets; it is asked again after each turn. */
export const limitsQuery = queryOptions({
  queryKey: queryKeys.limits,
  queryFn: ({ signal }) => call<Limits>("/api/usage/limits", { signal }),
  staleTime: 60_000,
});
