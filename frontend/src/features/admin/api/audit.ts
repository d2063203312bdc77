import { infiniteQueryOptions } from "@tanstack/react-query";
import { call } from "@/lib/api/client";
import { queryKeys } from "@/lib/api/query-keys";
import type { AuditPage } from "@/lib/api/identity-types";

export type AuditFilters = Readonly<Record<"action" | "actor" | "outcome", string>>;

/** Events that fit, newest first; an empty filter fits everything. */
export function auditQuery(filters: AuditFilters) {
  return infiniteQueryOptions({
    queryKey: queryKeys.audit(filters),
    queryFn: ({ pageParam, signal }) => {
      const wanted = Object.entries(filters).filter(([, value]) => value !== "");
      const query = new URLSearchParams([...wanted, ...(pageParam === null ? [] : [["before", String(pageParam)]])]);
      return call<AuditPage>(`/api/admin/audit?${query}`, { signal });
    },
    initialPageParam: null as number | null,
    getNextPageParam: (last) => last.next_before,
  });
}
