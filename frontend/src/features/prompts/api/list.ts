import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { Items, Prompt } from "@/lib/api/types";

export const promptsQuery = queryOptions({
  queryKey: queryKeys.prompts,
  queryFn: async ({ signal }) => (await call<Items<Prompt>>("/api/prompts", { signal })).items,
});
