import { describe, expect, it } from "vitest";
import { fileName } from "./save-export";

describe("fileName", () => {
  it.each([
    [null, null],
    ["attachment", null],
    ['attachment; filename="The weir.md"', "The weir.md"],
    ["attachment; filename=chat.json", "chat.json"],
    ["attachment; filename=\"chat.md\"; filename*=UTF-8''Der%20M%C3%BChlbach.md", "Der Mühlbach.md"],
    ["attachment; filename=\"chat.md\"; filename*=UTF-8''%E0%A4%A", "chat.md"],
  ])("of %j is %j", (header, name) => {
    expect(fileName(header)).toBe(name);
  });
});
