import { describe, expect, it } from "vitest";
import type { Message } from "@/lib/api/types";
import { flatten, messagesBefore, settleInto } from "./visible-messages";
import type { LiveTurn } from "./turn-state";

const message = (id: string, role: Message["role"] = "user"): Message => ({ id, role, content: id }) as Message;
const pagesOf = (...lists: Message[][]) => ({
  pages: lists.map((items, index) => ({ items, next_cursor: index === lists.length - 1 ? null : `c${index}` })),
  pageParams: lists.map(() => null),
});
const turn = (fields: Partial<LiveTurn>): LiveTurn =>
  ({ conversationId: "cnv_1", messageId: "q2", answerId: "a2", content: "Hi", startedAt: "now", replaces: null, edits: null, ...fields }) as LiveTurn;
const ids = (messages: Message[]) => messages.map(({ id }) => id);

describe("flatten", () => {
  it("orders pages that were loaded from the newest back, and leaves out system prompts", () => {
    const pages = pagesOf([message("q2"), message("a2", "assistant")], [message("s", "system"), message("q1")]);
    expect(ids(flatten(pages))).toEqual(["q1", "q2", "a2"]);
    expect(flatten(undefined)).toEqual([]);
  });
});

describe("messagesBefore", () => {
  const loaded = [message("q1"), message("a1", "assistant")];

  it("adds the question that is being answered", () => {
    expect(ids(messagesBefore(loaded, turn({})))).toEqual(["q1", "a1", "q2"]);
  });

  it("shows nothing twice when a refetch brought the running turn", () => {
    const refetched = [...loaded, message("q2"), message("a2", "assistant")];
    expect(ids(messagesBefore(refetched, turn({})))).toEqual(["q1", "a1", "q2"]);
  });

  it("hides the answer that is being replaced", () => {
    expect(ids(messagesBefore(loaded, turn({ content: null, replaces: "a1", messageId: "q1" })))).toEqual(["q1"]);
  });

  it("hides all that comes after a message that was edited or answered anew", () => {
    const path = [...loaded, message("q2"), message("a2", "assistant")];
    expect(ids(messagesBefore(path, turn({ edits: "q1", messageId: "q1b" })))).toEqual(["q1b"]);
    expect(ids(messagesBefore(path, turn({ content: null, replaces: "a1", messageId: "q1" })))).toEqual(["q1"]);
  });

  it("is the very same list when nothing runs, so that nothing renders again", () => {
    expect(messagesBefore(loaded, null)).toBe(loaded);
  });
});

describe("settleInto", () => {
  it("appends the question and its answer to the newest page", () => {
    const pages = settleInto(pagesOf([message("q1")], [message("q0")]), {
      user: message("q2"),
      answer: message("a2", "assistant"),
      replaces: null,
      edits: null,
    });
    expect(pages.pages.map(({ items }) => ids(items))).toEqual([["q1", "q2", "a2"], ["q0"]]);
    expect(pages.pages[0]?.next_cursor).toBe("c0");
  });

  it("takes away what a branch leaves behind, in whatever page it is", () => {
    const pages = pagesOf([message("q2"), message("a2", "assistant")], [message("q1"), message("a1", "assistant")]);
    const user = message("q1b");
    const answer = message("a1b", "assistant");
    const edited = settleInto(pages, { user, answer, replaces: null, edits: "q1" });
    expect(edited.pages.map(({ items }) => ids(items))).toEqual([["q1b", "a1b"], []]);
    const again = settleInto(pages, { user: null, answer, replaces: "a1", edits: null });
    expect(again.pages.map(({ items }) => ids(items))).toEqual([["a1b"], ["q1"]]);
  });

  it("keeps what was read of the branches while the answer grew", () => {
    const siblings = { index: 2, count: 2, previous_id: "a0", next_id: null };
    const read = { ...message("a2", "assistant"), parent_id: "q2", siblings };
    const answer = { ...message("a2", "assistant"), content: "whole" };
    const pages = settleInto(pagesOf([message("q2"), read]), { user: null, answer, replaces: null, edits: null });
    expect(pages.pages[0]?.items[1]).toMatchObject({ content: "whole", parent_id: "q2", siblings });
  });
});
