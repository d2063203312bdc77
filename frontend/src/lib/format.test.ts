import { describe, expect, it } from "vitest";
import { daysBetween, formatDuration, formatNumber, formatWhen, formatWait } from "./format";

const now = new Date(2026, 5, 15, 12, 0, 0);
const before = (ms: number) => new Date(now.getTime() - ms).toISOString();

describe("formatWhen", () => {
  it.each([
    [before(5_000), "now"],
    [before(5 * 60_000), "5 minutes ago"],
    [before(3 * 3_600_000), "3 hours ago"],
    [before(26 * 3_600_000), "yesterday"],
    [before(3 * 86_400_000), "3 days ago"],
    [before(30 * 86_400_000), "May 16, 2026"],
  ])("says %s as %j", (iso, expected) => {
    expect(formatWhen(iso, now, "en-US")).toBe(expected);
  });
});

describe("daysBetween", () => {
  it("goes by the calendar, not by 24 hours", () => {
    expect(daysBetween(new Date(2026, 5, 14, 23, 59), new Date(2026, 5, 15, 0, 1))).toBe(1);
    expect(daysBetween(new Date(2026, 5, 15, 0, 1), new Date(2026, 5, 15, 23, 59))).toBe(0);
  });

  it("counts a day of clock change as one day", () => {
    expect(daysBetween(new Date(2026, 2, 28), new Date(2026, 2, 30))).toBe(2);
    expect(daysBetween(new Date(2026, 9, 24), new Date(2026, 9, 26))).toBe(2);
  });
});

describe("numbers", () => {
  it("separates thousands by locale", () => {
    expect(formatNumber(1234567, "en-US")).toBe("1,234,567");
    expect(formatNumber(1234567, "de-DE")).toBe("1.234.567");
  });

  it.each([
    [480, "480 ms"],
    [2_440, "2.4 s"],
    [65_000, "1 min 5 s"],
  ])("says %i ms as %j", (ms, expected) => {
    expect(formatDuration(ms, "en-US")).toBe(expected);
  });
});

describe("formatWait", () => {
  it.each([
    [0, "0 s"],
    [59, "59 s"],
    [60, "1 min"],
    [725, "12 min 5 s"],
    [12_000, "3 h 20 min"],
    [86_400 * 4 + 7300, "4 d 2 h"],
  ])("says %i seconds as %s", (seconds, words) => {
    expect(formatWait(seconds)).toBe(words);
  });
});
