import { describe, expect, it } from "vitest";
import { topHeading } from "./top-heading";

describe("topHeading", () => {
  it.each([
    ["no heading", 1],
    ["# a\n\n## b", 1],
    ["### a\n\n## b\n\n#### c", 2],
    ["```python\n# a comment\n```\n\n### real", 3],
    ["~~~\n# x\n```\n# y\n~~~\n## z", 2],
    ["#hashtag", 1],
    ["   #### indented", 4],
  ])("of %j is %i", (text, level) => {
    expect(topHeading(text)).toBe(level);
  });
});
