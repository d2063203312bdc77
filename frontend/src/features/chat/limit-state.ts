import type { Budget, Limits } from "@/lib/api/types";

/** From this part of a limit on it is warned about. */
const WARN_AT = 0.8;

export interface LimitState {
  /** The limit that is nearest to its end; null when there is none. */
  tightest: { kind: "tokens"; budget: Budget } | { kind: "requests"; remaining: number; seconds: number } | null;
  /** How much of it is used, 0 to 1. */
  used: number;
  warn: boolean;
  /** Epoch milliseconds until which nothing can be sent; null when something can. */
  blockedUntil: number | null;
}

/** What the limits of a person and their group mean right now. Budgets of keys are not this page's: it sends as the person. */
export function limitState(limits: Limits | undefined, now: number): LimitState {
  const parts: { tightest: NonNullable<LimitState["tightest"]>; used: number }[] = [];
  for (const budget of limits?.budgets ?? []) {
    const over = Date.parse(budget.resets_at) <= now;
    if (budget.scope === "key" || budget.limit <= 0 || over) continue;
    parts.push({ tightest: { kind: "tokens", budget }, used: 1 - Math.max(0, budget.remaining) / budget.limit });
  }
  const requests = limits?.requests;
  if (requests && requests.limit > 0) {
    const { limit, remaining, reset_seconds: seconds } = requests;
    parts.push({ tightest: { kind: "requests", remaining, seconds }, used: 1 - remaining / limit });
  }
  const hardest = parts.toSorted((a, b) => b.used - a.used)[0];
  // Below the warning tokens are what a person wants to know of.
  const worst = hardest && hardest.used < WARN_AT ? (parts.find((part) => part.tightest.kind === "tokens") ?? hardest) : hardest;
  const spent = parts.flatMap(({ tightest, used }) =>
    tightest.kind === "tokens" && used >= 1 ? [Date.parse(tightest.budget.resets_at)] : [],
  );
  return {
    tightest: worst?.tightest ?? null,
    used: worst?.used ?? 0,
    warn: worst !== undefined && worst.used >= WARN_AT,
    blockedUntil: spent.length > 0 ? Math.max(...spent) : null,
  };
}
