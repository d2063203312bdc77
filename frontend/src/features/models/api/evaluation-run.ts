import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import type { EvaluationRun } from "@/lib/api/operation-types";
import { queryKeys } from "@/lib/api/query-keys";

const POLL_MS = 1_500;

export const evaluationRunQuery = (id: string) =>
  queryOptions({
    queryKey: queryKeys.evaluationRun(id),
    queryFn: ({ signal }) => call<EvaluationRun>(`/api/admin/evaluations/${id}`, { signal }),
    refetchInterval: (query) => (query.state.data?.state === "running" ? POLL_MS : false),
  });
