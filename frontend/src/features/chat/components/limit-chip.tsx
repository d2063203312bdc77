"use client";

import { Gauge } from "lucide-react";
import { cn } from "@/lib/cn";
import { formatNumber, formatWait } from "@/lib/format";
import { openPanel } from "@/lib/panel";
import { strings } from "@/lib/strings";
import type { LimitState } from "../limit-state";

/** How much is left, small while there is plenty; amber with words when it gets short. Nothing without limits. */
export function LimitChip({ state }: { state: LimitState }) {
  const { tightest, warn, used } = state;
  if (tightest === null || (tightest.kind === "requests" && !warn)) return null;
  const percent = formatNumber(Math.floor(used * 100));
  const words =
    tightest.kind === "tokens"
      ? strings.limits.tokensUsed(percent, strings.limits.periods[tightest.budget.period])
      : strings.limits.requestsLeft(tightest.remaining, formatWait(tightest.seconds));
  return (
    <button
      type="button"
      title={words}
      aria-label={words}
      onClick={() => openPanel({ name: "limits" })}
      className={cn(
        "flex h-7 shrink-0 items-center gap-1.5 rounded-full px-2 text-hint tabular-nums",
        warn ? "bg-warning-soft text-warning" : "text-muted hover:bg-hover hover:text-text",
      )}
    >
      <Gauge aria-hidden className="size-3.5" />
      {tightest.kind === "tokens" ? strings.limits.percent(percent) : strings.limits.left(tightest.remaining)}
    </button>
  );
}
