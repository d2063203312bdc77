import { render, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import Markdown from "./markdown";

describe("Markdown", () => {
  it("renders tables, lists and emphasis", () => {
    render(<Markdown text={"## Head\n\n| a | b |\n| --- | --- |\n| 1 | **2** |\n\n1. one\n2. two"} growing={false} />);
    expect(screen.getByRole("heading", { name: "Head", level: 3 })).toBeDefined();
    expect(within(screen.getByRole("table")).getAllByRole("cell").map((cell) => cell.textContent)).toEqual(["1", "2"]);
    expect(screen.getAllByRole("listitem")).toHaveLength(2);
  });

  it.each([
    "<script>alert(1)</script>",
    '<img src="https://evil.example/p.png" onerror="alert(1)">',
    '<a href="javascript:alert(1)">x</a>',
    "<iframe src=https://evil.example></iframe>",
    "<style>body{display:none}</style>",
    "text <b onclick=alert(1)>bold</b> text",
    "<svg/onload=alert(1)>",
    "<form action=/api/auth/logout><button>Sign out</button></form>",
  ])("shows %s as the text it is", (html) => {
    const { container } = render(<Markdown text={html} growing={false} />);
    expect(container.textContent?.replaceAll("\n", "")).toContain(html);
    expect(container.querySelector("script, img, a, iframe, style, b, svg, form, button")).toBeNull();
  });

  it.each([
    "[x](javascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](/api/auth/logout)",
    "[x][r]\n\n[r]: javascript:alert(1)",
  ])("makes no link of %s", (text) => {
    const { container } = render(<Markdown text={text} growing={false} />);
    expect(container.querySelector("[href]")).toBeNull();
    expect(container.textContent).toContain("x");
  });

  it("opens real links in a new tab without telling them where from", () => {
    render(<Markdown text="[docs](https://example.com/a)" growing={false} />);
    const link = screen.getByRole("link", { name: "docs" });
    expect(link.getAttribute("href")).toBe("https://example.com/a");
    expect(link.getAttribute("target")).toBe("_blank");
    expect(link.getAttribute("rel")).toContain("noreferrer");
  });

  it("loads no picture of a model's choosing", () => {
    const { container } = render(<Markdown text="![a cat](https://evil.example/cat.png?who=you)" growing={false} />);
    expect(container.querySelector("img")).toBeNull();
    expect(container.innerHTML).not.toContain("background");
    expect(screen.getByRole("link", { name: "Image: a cat" }).getAttribute("title")).toContain("evil.example");
  });

  it("colours code when its language has arrived, and never changes what it says", async () => {
    const code = 'def f(x: int) -> str:\n    return "<b>" + str(x)';
    const { container } = render(<Markdown text={"```python\n" + code + "\n```"} growing={false} />);
    const block = screen.getByRole("region", { name: "Code, python" });
    expect(block.textContent).toBe(code);
    await waitFor(() => expect(container.querySelectorAll("pre span").length).toBeGreaterThan(4), { timeout: 10_000 });
    expect(block.textContent).toBe(code);
    expect((container.querySelector("pre span") as HTMLElement).style.color).toContain("var(--shiki-");
  });

  it("shows an unfinished fence as code while the answer grows", () => {
    render(<Markdown text={"Look:\n\n```py\nprint(1)\nprint("} growing />);
    expect(screen.getByRole("region", { name: "Code, py" }).textContent).toBe("print(1)\nprint(");
  });

  it("leaves code of an unknown language plain", () => {
    render(<Markdown text={"```whitespacelang\n  x\n```"} growing={false} />);
    expect(screen.getByRole("region", { name: "Code, whitespacelang" }).textContent).toBe("  x");
  });
});
