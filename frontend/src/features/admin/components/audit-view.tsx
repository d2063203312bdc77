"use client";

import { useState } from "react";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { AccountFrame } from "@/components/account-frame";
import { Button } from "@/components/ui/button";
import { Field, inputStyle } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { cn } from "@/lib/cn";
import { formatNumber } from "@/lib/format";
import { strings } from "@/lib/strings";
import { auditQuery, type AuditFilters } from "../api/audit";
import { verifyAudit } from "../api/verify-audit";
import { AuditTable } from "./audit-table";

const words = strings.identity.audit;
const OUTCOMES = ["", "done", "refused"] as const;

export function AuditView() {
  const client = useQueryClient();
  const [filters, setFilters] = useState<AuditFilters>({ action: "", actor: "", outcome: "" });
  const events = useInfiniteQuery(auditQuery(filters));
  const verify = useMutation({
    mutationFn: verifyAudit,
    // The check is an event itself.
    onSuccess: () => client.invalidateQueries({ queryKey: ["audit"] }),
  });
  const rows = events.data?.pages.flatMap((page) => page.items) ?? [];
  const set = (name: keyof AuditFilters, value: string) => setFilters({ ...filters, [name]: value.trim() });

  return (
    <AccountFrame title={words.title} wide>
      <section className="space-y-4">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <p className="min-w-0 flex-1 basis-64 text-ui text-muted">{words.detail}</p>
          <Button disabled={verify.isPending} onClick={() => verify.mutate()}>
            {verify.isPending ? words.verifying : words.verify}
          </Button>
        </div>
        {verify.error && <Problem error={verify.error} />}
        {verify.data &&
          (verify.data.fault === null ? (
            <Notice urgent>{words.whole(formatNumber(verify.data.events), formatNumber(verify.data.anchors))}</Notice>
          ) : (
            <Notice tone="danger" urgent>
              <span className="font-medium">{words.broken}</span> {verify.data.fault}
            </Notice>
          ))}
        <div className="grid gap-3 sm:grid-cols-3">
          <Field
            label={words.action}
            placeholder={words.actionPlaceholder}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => set("action", event.target.value)}
          />
          <Field
            label={words.actor}
            placeholder={words.actorPlaceholder}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => set("actor", event.target.value)}
          />
          <label>
            <span className="mb-1 block text-ui font-medium">{words.outcome}</span>
            <select
              value={filters.outcome}
              onChange={(event) => set("outcome", event.target.value)}
              className={cn(inputStyle, "h-11 text-reading")}
            >
              {OUTCOMES.map((outcome) => (
                <option key={outcome} value={outcome}>
                  {words.outcomes[outcome]}
                </option>
              ))}
            </select>
          </label>
        </div>
        {events.error && (
          <Problem error={events.error} title={words.failed} onRetry={() => void events.refetch()} />
        )}
        {events.isPending && (
          <Skeleton className="space-y-2">
            <Bone className="h-10 w-full" />
            <Bone className="h-10 w-full" />
            <Bone className="h-10 w-full" />
          </Skeleton>
        )}
        {events.data && rows.length === 0 && <p className="py-6 text-center text-muted">{words.empty}</p>}
        {rows.length > 0 && <AuditTable events={rows} />}
        {events.hasNextPage && (
          <Button
            className="w-full"
            disabled={events.isFetchingNextPage}
            onClick={() => void events.fetchNextPage()}
          >
            {events.isFetchingNextPage ? words.loadingMore : words.more}
          </Button>
        )}
      </section>
    </AccountFrame>
  );
}
