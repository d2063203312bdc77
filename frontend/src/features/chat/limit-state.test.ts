import { describe, expect, it } from "vitest";
import type { Budget } from "@/lib/api/types";
import { limitState } from "./limit-state";

const NOW = Date.parse("2026-01-01T12:00:00Z");
const budget = (fields: Partial<Budget>): Budget => ({
  scope: "person",
  key_id: null,
  group_name: null,
  period: "day",
  limit: 1000,
  used: 0,
  reserved: 0,
  remaining: 1000,
  resets_at: "2026-01-02T00:00:00Z",
  ...fields,
});
const requests = { limit: 20, remaining: 20, reset_seconds: 60 };

describe("limitState", () => {
  it("is quiet without limits, and below four fifths of them", () => {
    expect(limitState(undefined, NOW)).toMatchObject({ tightest: null, warn: false, blockedUntil: null });
    expect(limitState({ budgets: [], requests: null }, NOW)).toMatchObject({ tightest: null, warn: false });
    expect(limitState({ budgets: [budget({ remaining: 210 })], requests }, NOW).warn).toBe(false);
  });

  it("speaks of tokens while nothing is short, also when none is used yet", () => {
    const fewRequests = { ...requests, remaining: 15 };
    expect(limitState({ budgets: [budget({})], requests: fewRequests }, NOW)).toMatchObject({
      tightest: { kind: "tokens" },
      used: 0,
      warn: false,
    });
  });

  it("warns from four fifths on, of whatever is tightest", () => {
    const state = limitState({ budgets: [budget({ remaining: 200 }), budget({ period: "month", remaining: 50 })], requests }, NOW);
    expect(state).toMatchObject({ warn: true, blockedUntil: null, tightest: { budget: { period: "month" } } });
    expect(limitState({ budgets: [], requests: { ...requests, remaining: 3 } }, NOW)).toMatchObject({
      warn: true,
      tightest: { kind: "requests", remaining: 3 },
    });
  });

  it("blocks until the last of what is used up resets, and not after that", () => {
    const limits = { budgets: [budget({ remaining: 0 }), budget({ period: "month", remaining: 9 })], requests };
    expect(limitState(limits, NOW).blockedUntil).toBe(Date.parse("2026-01-02T00:00:00Z"));
    expect(limitState(limits, Date.parse("2026-01-02T00:00:01Z")).blockedUntil).toBeNull();
  });

  it("counts the budget of the group", () => {
    const ofGroup = budget({ scope: "group", group_name: "Research", remaining: 0 });
    expect(limitState({ budgets: [budget({}), ofGroup], requests: null }, NOW)).toMatchObject({
      tightest: { kind: "tokens", budget: ofGroup },
      blockedUntil: Date.parse(ofGroup.resets_at),
    });
  });

  it("leaves out the budgets of keys", () => {
    const ofKey = budget({ scope: "key", key_id: "key_1", remaining: 0 });
    expect(limitState({ budgets: [ofKey], requests: null }, NOW)).toMatchObject({ tightest: null, blockedUntil: null });
  });
});
