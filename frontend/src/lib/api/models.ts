import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { onItsWay } from "@/lib/api/stages";
import { queryKeys } from "@/lib/api/query-keys";
import type { Items, Model } from "@/lib/api/types";

const POLL_WHILE_CHANGING_MS = 5_000;

/** Pushed events keep this fresh; while a model is on its way the list is also asked for, in case a push is missed. */
export const modelsQuery = queryOptions({
  queryKey: queryKeys.models,
  queryFn: async ({ signal }) => (await call<Items<Model>>("/api/models", { signal })).items,
  refetchInterval: (query) =>
    query.state.data?.some((model) => onItsWay(model.state))
      ? POLL_WHILE_CHANGING_MS
      : false,
});
