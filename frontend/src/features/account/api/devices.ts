import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { Device } from "@/lib/api/identity-types";
import type { Items } from "@/lib/api/types";

export const devicesQuery = queryOptions({
  queryKey: queryKeys.devices,
  queryFn: async ({ signal }) => (await call<Items<Device>>("/api/auth/sessions", { signal })).items,
});
