import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import type { Promotion } from "@/lib/api/operation-types";
import { queryKeys } from "@/lib/api/query-keys";
import type { Items } from "@/lib/api/types";

const POLL_MS = 1_500;
const REST_MS = 10_000;

export const promotionsQuery = queryOptions({
  queryKey: queryKeys.promotions,
  queryFn: async ({ signal }) => (await call<Items<Promotion>>("/api/admin/promotions", { signal })).items,
  refetchInterval: (query) => (query.state.data?.some(({ ended_at }) => ended_at === null) ? POLL_MS : REST_MS),
});
