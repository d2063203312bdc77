import { queryOptions } from "@tanstack/react-query";
import { call } from "./client";
import type { IdentityProvider } from "./identity-types";
import { queryKeys } from "./query-keys";
import type { Items } from "./types";

/** Where else people may have an account to sign in with. */
export const providersQuery = queryOptions({
  queryKey: queryKeys.providers,
  queryFn: async ({ signal }) =>
    (await call<Items<IdentityProvider>>("/api/auth/oauth/providers", { signal, renew: false })).items,
  staleTime: Infinity,
});
