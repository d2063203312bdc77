import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import type { LinkedIdentity } from "@/lib/api/identity-types";
import { queryKeys } from "@/lib/api/query-keys";
import type { Items } from "@/lib/api/types";

export const identitiesQuery = queryOptions({
  queryKey: queryKeys.identities,
  queryFn: async ({ signal }) => (await call<Items<LinkedIdentity>>("/api/auth/oauth/identities", { signal })).items,
});
