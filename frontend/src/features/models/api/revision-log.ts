import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";

export const revisionLogQuery = (name: string, revision: string) =>
  queryOptions({
    queryKey: queryKeys.revisionLog(name, revision),
    queryFn: async ({ signal }) => (await call<{ text: string }>(`/api/admin/models/${name}/${revision}/log`, { signal })).text,
  });
