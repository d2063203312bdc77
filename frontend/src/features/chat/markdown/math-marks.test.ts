import { describe, expect, it } from "vitest";
import { withMathMarks } from "./math-marks";

describe("withMathMarks", () => {
  it.each([
    ["a \\(x^2\\) b", "a $$x^2$$ b"],
    ["\\[ x = 1 \\]", "\n$$\nx = 1\n$$\n"],
    ["so $x$ and $y + 1$.", "so $$x$$ and $$y + 1$$."],
    ["$\\frac{1}{2}$", "$$\\frac{1}{2}$$"],
    ["$$\nx\n$$", "$$\nx\n$$"],
    ["$$x$$", "$$x$$"],
  ])("marks %j", (text, marked) => expect(withMathMarks(text)).toBe(marked));

  it.each([
    "It costs $5 and $10.",
    "From $5/$10 on.",
    "US$5, A$6",
    "$ x $",
    "a \\$x\\$ b",
    "`$x$` and ``\\(y\\)``",
    "```\n$x$ \\[y\\]\n```",
    "~~~sh\necho $HOME $PATH\n~~~",
    "```sh\necho $A$B",
    "\\(open",
    "no formula at all",
  ])("leaves %j as it is", (text) => expect(withMathMarks(text)).toBe(text));

  it("marks what stands around code", () => {
    expect(withMathMarks("$a$\n\n```\n$b$\n```\n\n$c$")).toBe("$$a$$\n\n```\n$b$\n```\n\n$$c$$");
  });

  it.each(["$a", "\\(", "\\[x", "`", "```\n", "$\\", "~~~"])("comes to an end with much of %j", (piece) => {
    const text = piece.repeat(5_000);
    expect(withMathMarks(text).length).toBeGreaterThanOrEqual(text.length);
  });
});
