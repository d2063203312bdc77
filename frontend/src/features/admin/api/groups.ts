import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import type { Group } from "@/lib/api/identity-types";
import { queryKeys } from "@/lib/api/query-keys";
import type { Items } from "@/lib/api/types";

export const groupsQuery = queryOptions({
  queryKey: queryKeys.groups,
  queryFn: async ({ signal }) => (await call<Items<Group>>("/api/admin/groups", { signal })).items,
});
