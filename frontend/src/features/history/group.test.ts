import { describe, expect, it } from "vitest";
import type { Conversation } from "@/lib/api/types";
import { filterByTitle, groupByDay } from "./group";

const now = new Date(2026, 5, 15, 9, 30);
const made = (title: string | null, updated: Date): Conversation => ({
  id: `cnv_${title}`,
  title,
  model: null,
  created_at: updated.toISOString(),
  updated_at: updated.toISOString(),
  running_turn_id: null, pinned: false, archived: false, system_prompt: null, parameters: {}, summarise: false, share: null,
});

describe("groupByDay", () => {
  it("puts conversations under the headings a person would look under", () => {
    const groups = groupByDay(
      [
        made("clock ahead", new Date(2026, 5, 16, 0, 5)),
        made("this morning", new Date(2026, 5, 15, 0, 1)),
        made("last night", new Date(2026, 5, 14, 23, 59)),
        made("last week", new Date(2026, 5, 8, 12)),
        made("older", new Date(2026, 5, 7, 12)),
        made("month edge", new Date(2026, 4, 16, 12)),
        made("may", new Date(2026, 4, 15, 12)),
        made("last year", new Date(2025, 11, 31, 12)),
      ],
      now,
      "en-US",
    );
    expect(groups.map(({ label, items }) => [label, items.map((item) => item.title)])).toEqual([
      ["Today", ["clock ahead", "this morning"]],
      ["Yesterday", ["last night"]],
      ["Previous 7 days", ["last week"]],
      ["Previous 30 days", ["older", "month edge"]],
      ["May 2026", ["may"]],
      ["December 2025", ["last year"]],
    ]);
  });

  it("makes no group of nothing", () => {
    expect(groupByDay([], now)).toEqual([]);
  });
});

describe("filterByTitle", () => {
  const list = [made("Sailing boats", now), made("Boat engines", now), made(null, now)];

  it("wants every word, in any order and case", () => {
    expect(filterByTitle(list, "BOAT sail").map((item) => item.title)).toEqual(["Sailing boats"]);
    expect(filterByTitle(list, "boat").map((item) => item.title)).toEqual(["Sailing boats", "Boat engines"]);
  });

  it("keeps all for an empty filter and finds untitled ones by what they are called", () => {
    expect(filterByTitle(list, "  ")).toHaveLength(3);
    expect(filterByTitle(list, "new chat").map((item) => item.title)).toEqual([null]);
  });
});
