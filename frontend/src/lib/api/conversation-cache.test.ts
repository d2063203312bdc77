import { describe, expect, it } from "vitest";
import { removeConversation, upsertConversation } from "./conversation-cache";
import type { Conversation } from "./types";

const at = (id: string, updated_at: string, title: string | null = id): Conversation => ({
  id,
  title,
  model: null,
  created_at: updated_at,
  updated_at,
  running_turn_id: null, pinned: false, archived: false, system_prompt: null, parameters: {}, summarise: false, share: null,
});
const pagesOf = (lists: Conversation[][], more = false) => ({
  pages: lists.map((items, index) => ({
    items,
    next_cursor: index < lists.length - 1 || more ? `c${index}` : null,
  })),
  pageParams: lists.map((_, index) => (index === 0 ? null : `c${index - 1}`)),
});
const ids = (pages: ReturnType<typeof pagesOf>) => pages.pages.map((page) => page.items.map((item) => item.id));

describe("upsertConversation", () => {
  const pages = pagesOf([[at("d", "4"), at("c", "3")], [at("b", "2"), at("a", "1")]]);

  it("puts a new conversation on top", () => {
    expect(ids(upsertConversation(pages, at("e", "5")))).toEqual([["e", "d", "c"], ["b", "a"]]);
  });

  it("moves one that changed, without doubling it", () => {
    expect(ids(upsertConversation(pages, at("a", "9")))).toEqual([["a", "d", "c"], ["b"]]);
  });

  it("leaves one in its place when only its title changed", () => {
    const next = upsertConversation(pages, at("b", "2", "renamed"));
    expect(next.pages.flatMap((page) => page.items).find((item) => item.id === "b")?.title).toBe("renamed");
    expect(next.pages.flatMap((page) => page.items).map((item) => item.id)).toEqual(["d", "c", "b", "a"]);
  });

  it("works on an empty list, and leaves what is older than the loaded pages to its own page", () => {
    expect(ids(upsertConversation(pagesOf([[]]), at("x", "1")))).toEqual([["x"]]);
    expect(ids(upsertConversation(pagesOf([[at("d", "4")]], true), at("x", "1")))).toEqual([["d"]]);
    expect(ids(upsertConversation(pagesOf([[at("d", "4")]]), at("x", "1")))).toEqual([["d", "x"]]);
  });
});

describe("removeConversation", () => {
  it("takes one out and leaves the other pages as they are", () => {
    const pages = pagesOf([[at("b", "2")], [at("a", "1")]]);
    const next = removeConversation(pages, "a");
    expect(ids(next)).toEqual([["b"], []]);
    expect(next.pages[0]).toBe(pages.pages[0]);
  });
});
