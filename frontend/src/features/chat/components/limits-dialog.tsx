"use client";

import { useQuery } from "@tanstack/react-query";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import type { Budget } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { formatExact, formatNumber, formatWait } from "@/lib/format";
import { useCountdown } from "@/lib/hooks/use-countdown";
import { strings } from "@/lib/strings";
import { limitsQuery } from "../api/limits";

/** What a person may still use, and when it begins anew. */
export default function LimitsDialog() {
  const limits = useQuery(limitsQuery);
  const words = strings.limits;
  if (limits.isPending)
    return (
      <Skeleton className="space-y-3">
        <Bone className="h-14 w-full" />
        <Bone className="h-14 w-full" />
      </Skeleton>
    );
  if (limits.error && !limits.data)
    return <Problem error={limits.error} title={words.failed} onRetry={() => void limits.refetch()} />;
  const { budgets, requests } = limits.data;
  const mine = budgets.filter(({ scope }) => scope !== "key");
  return (
    <div className="space-y-5">
      {mine.length === 0 && <p className="text-muted">{words.noBudgets}</p>}
      {mine.map((budget) => (
        <BudgetRow key={budget.scope + budget.period} budget={budget} />
      ))}
      {requests && (
        <p className="border-t border-line pt-4 text-hint text-muted tabular-nums">
          {words.requests(formatNumber(requests.remaining), formatNumber(requests.limit))}
        </p>
      )}
    </div>
  );
}

function BudgetRow({ budget }: { budget: Budget }) {
  const words = strings.limits;
  const wait = useCountdown(Date.parse(budget.resets_at));
  const part = Math.min(1, 1 - Math.max(0, budget.remaining) / Math.max(1, budget.limit));
  const period = words.periods[budget.period];
  const title = budget.group_name === null ? words.budget(period) : words.groupBudget(budget.group_name, period);
  return (
    <section>
      <div className="mb-1.5 flex justify-between gap-4">
        <h3 className="font-medium">{title}</h3>
        <p className="text-muted tabular-nums">{words.of(formatNumber(budget.used), formatNumber(budget.limit))}</p>
      </div>
      <div
        role="meter"
        aria-label={title}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(part * 100)}
        className="h-2 overflow-hidden rounded-full bg-selected"
      >
        <div
          className={cn("h-full rounded-full", part >= 1 ? "bg-danger" : part >= 0.8 ? "bg-warning" : "bg-accent")}
          style={{ width: `${part * 100}%` }}
        />
      </div>
      <p className="mt-1.5 text-hint text-muted tabular-nums" title={formatExact(budget.resets_at)}>
        {words.resets(formatWait(wait))}
      </p>
    </section>
  );
}
