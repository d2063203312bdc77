import { describe, expect, it } from "vitest";
import { clearDrafts, mergeDraft, readDraft, writeDraft } from "./draft";

describe("drafts", () => {
  it("are kept by person and chat", () => {
    writeDraft("usr_1.cnv_1", "half a thought");
    writeDraft("usr_1.new", "another");
    expect(readDraft("usr_1.cnv_1")).toBe("half a thought");
    expect(readDraft("usr_1.new")).toBe("another");
    expect(readDraft("usr_2.new")).toBe("");
  });

  it("are forgotten when empty", () => {
    writeDraft("usr_1.new", "x");
    writeDraft("usr_1.new", "  \n");
    expect(Object.keys(window.localStorage)).toEqual([]);
  });

  it("are forgotten for the person who signs out, and for nobody else", () => {
    writeDraft("usr_1.new", "mine");
    writeDraft("usr_2.new", "theirs");
    window.localStorage.setItem("headrace.theme", "dark");
    clearDrafts("usr_1");
    expect(Object.keys(window.localStorage).sort()).toEqual(["headrace.draft.usr_2.new", "headrace.theme"]);
  });

  it("are bounded in number, the one being written always kept", () => {
    for (let index = 0; index < 80; index += 1) writeDraft(`usr_1.cnv_${index}`, "x");
    expect(Object.keys(window.localStorage)).toHaveLength(50);
    expect(readDraft("usr_1.cnv_79")).toBe("x");
  });
});

describe("mergeDraft", () => {
  it.each([
    ["back", "", "back"],
    ["back", "  ", "back"],
    ["same", "same", "same"],
    ["back", "newer", "back\n\nnewer"],
  ])("joins %j and %j", (returned, current, expected) => {
    expect(mergeDraft(returned, current)).toBe(expected);
  });
});
