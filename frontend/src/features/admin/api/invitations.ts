import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import type { Invitation } from "@/lib/api/identity-types";
import { queryKeys } from "@/lib/api/query-keys";
import type { Items } from "@/lib/api/types";

export const invitationsQuery = queryOptions({
  queryKey: queryKeys.invitations,
  queryFn: async ({ signal }) => (await call<Items<Invitation>>("/api/admin/invitations", { signal })).items,
});
