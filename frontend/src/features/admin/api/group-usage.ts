import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import type { GroupUsage } from "@/lib/api/identity-types";
import { queryKeys } from "@/lib/api/query-keys";
import type { Items } from "@/lib/api/types";

export const groupUsageQuery = queryOptions({
  queryKey: queryKeys.groupUsage,
  queryFn: async ({ signal }) => (await call<Items<GroupUsage>>("/api/admin/groups/usage", { signal })).items,
});
