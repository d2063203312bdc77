import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import type { Passkey } from "@/lib/api/identity-types";
import { queryKeys } from "@/lib/api/query-keys";
import type { Items } from "@/lib/api/types";

export const passkeysQuery = queryOptions({
  queryKey: queryKeys.passkeys,
  queryFn: async ({ signal }) => (await call<Items<Passkey>>("/api/auth/passkeys", { signal })).items,
});
