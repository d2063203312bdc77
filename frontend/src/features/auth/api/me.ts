import { queryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { User } from "@/lib/api/types";

export const meQuery = queryOptions({
  queryKey: queryKeys.me,
  queryFn: ({ signal }) => call<User>("/api/auth/me", { signal }),
  staleTime: 5 * 60_000,
});
