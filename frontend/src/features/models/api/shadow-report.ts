import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { ShadowReport } from "@/lib/api/shadow-types";

const POLL_MS = 5_000;

export const shadowReportQuery = (name: string) =>
  queryOptions({
    queryKey: queryKeys.shadowReport(name),
    queryFn: ({ signal }) => call<ShadowReport>(`/api/admin/models/${name}/shadow`, { signal }),
    refetchInterval: POLL_MS,
  });
