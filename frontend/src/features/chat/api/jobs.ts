import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { Job, Page } from "@/lib/api/types";

/** The person's newest jobs; pushed events keep them fresh. */
export const jobsQuery = queryOptions({
  queryKey: queryKeys.jobs,
  queryFn: async ({ signal }) => (await call<Page<Job>>("/api/jobs?limit=50", { signal })).items,
  staleTime: 60_000,
});
