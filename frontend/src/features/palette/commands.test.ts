import { describe, expect, it } from "vitest";
import { matching, type Command } from "./commands";

const command = (group: string, label: string, also = ""): Command => ({ id: label, group, label, also, run: () => undefined });
const all = [
  command("Commands", "New chat"),
  command("Commands", "Theme: Dark", "appearance night"),
  command("Chats", "The upper weir"),
  command("Chats", "Weirs of Europe"),
];
const labels = (text: string) => matching(all, text).map(({ label }) => label);

describe("matching", () => {
  it("is all without words", () => expect(labels("  ")).toHaveLength(4));

  it("wants every word, whatever its case, also in what else a command is called", () => {
    expect(labels("NIGHT dark")).toEqual(["Theme: Dark"]);
    expect(labels("chat upper")).toEqual([]);
  });

  it("puts what begins with the words first, inside its group", () => {
    expect(labels("weir")).toEqual(["Weirs of Europe", "The upper weir"]);
    expect(labels("e")).toEqual(["New chat", "Theme: Dark", "The upper weir", "Weirs of Europe"]);
  });

  it("never lists without end", () => {
    expect(matching(Array.from({ length: 500 }, (_, at) => command("Chats", `Chat ${at}`)), "chat")).toHaveLength(50);
  });
});
