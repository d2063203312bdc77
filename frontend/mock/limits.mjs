/** Budgets in tokens and the rate of requests, as the ledger of the gateway counts them. */
import { Refused } from "./http.mjs";

const REQUESTS_A_MINUTE = 60;

export class Limits {
  budgets = new Map();
  used = new Map();
  sent = new Map();

  /** `groupOf`: the group that somebody is in, if any. */
  constructor(groupOf) {
    this.groupOf = groupOf;
  }

  setBudget(userId, { day, month }) {
    this.budgets.set(userId, { day, month });
  }

  book(userId, tokens) {
    this.used.set(userId, (this.used.get(userId) ?? 0) + tokens);
  }

  view(userId) {
    const used = this.used.get(userId) ?? 0;
    const of = (scope, group_name, wanted) =>
      ["day", "month"].flatMap((period) => {
        const limit = wanted?.[period] ?? null;
        if (limit === null) return [];
        const remaining = Math.max(0, limit - used);
        return [{ scope, key_id: null, group_name, period, limit, used, reserved: 0, remaining, resets_at: resetOf(period) }];
      });
    const group = this.groupOf(userId);
    const budgets = [...of("person", null, this.budgets.get(userId)), ...of("group", group?.name ?? null, group?.budget)];
    const lately = this.lately(userId).length;
    return { budgets, requests: { limit: REQUESTS_A_MINUTE, remaining: REQUESTS_A_MINUTE - lately, reset_seconds: 60 } };
  }

  /** Throws what the gateway answers when a turn may not begin. */
  admit(userId) {
    const spent = this.view(userId).budgets.find((budget) => budget.remaining === 0);
    if (spent) {
      const { limit, used, resets_at } = spent;
      const retryAfter = Math.ceil((Date.parse(resets_at) - Date.now()) / 1000);
      const words = spent.period === "day" ? "for today" : "for this month";
      throw new Refused(402, "budget_exhausted", `Your tokens ${words} are used up.`, { retryAfter, limit, used, resets_at });
    }
    const lately = this.lately(userId);
    if (lately.length >= REQUESTS_A_MINUTE)
      throw new Refused(429, "rate_limited", "You have sent many messages in a short time.", { retryAfter: 5 });
    this.sent.set(userId, [...lately, Date.now()]);
  }

  lately(userId) {
    return (this.sent.get(userId) ?? []).filter((at) => at > Date.now() - 60_000);
  }
}

function resetOf(period) {
  const now = new Date();
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  return new Date(period === "day" ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1)).toISOString();
}
