import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import type { EvaluationSet } from "@/lib/api/operation-types";
import { queryKeys } from "@/lib/api/query-keys";
import type { Items } from "@/lib/api/types";

export const evaluationSetsQuery = queryOptions({
  queryKey: queryKeys.evaluationSets,
  queryFn: async ({ signal }) => (await call<Items<EvaluationSet>>("/api/admin/evaluations/sets", { signal })).items,
});
