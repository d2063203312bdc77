import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test.beforeEach(async ({ page }) => {
  await new EntryPage(page).register(newPerson());
});

test("formulas are set as formulas, prices stay prices, and the typesetter comes with the first of them", async ({ page }) => {
  const fetched: string[] = [];
  page.on("response", (response) => fetched.push(response.url()));
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] It costs $5 and $10 a day.");
  await expect(chat.answers.first()).toContainText("It costs $5 and $10 a day.");
  await chat.settled();
  expect(fetched.filter((url) => /KaTeX/.test(url))).toEqual([]);

  await chat.ask("[[echo]] So \\(e = mc^2\\) and $a_1$ hold, and \\[ P = \\rho g Q H \\] and `$x$` is code.");
  const answer = chat.answers.nth(1);
  await expect(answer.locator(".katex")).toHaveCount(3);
  await expect(answer.locator(".katex-display")).toHaveCount(1);
  await expect(answer.locator("math annotation").first()).toHaveText("e = mc^2");
  await expect(answer.locator("code")).toHaveText("$x$");
  // The fonts are our own.
  await expect.poll(() => fetched.some((url) => /KaTeX.*woff2/.test(url))).toBe(true);
  const own = new URL(page.url()).origin;
  expect(fetched.filter((url) => !url.startsWith(own))).toEqual([]);
});

test("a formula that is none, or a hostile one, is shown as what was written", async ({ page }) => {
  const chat = new ChatPage(page);
  const pieces = [
    "$$\\href{javascript:alert(1)}{go}$$",
    "$$\\includegraphics{https://evil.example/p.png}$$",
    "$$\\htmlId{composer}{x}$$",
    "$$\\frac{1$$",
    "$$\\def\\a{\\a\\a}\\a$$",
    "$$<img src=x onerror=alert(1)>$$",
  ];
  await chat.ask(`[[echo]] ${pieces.join(" and ")} end`);
  const answer = chat.answers.first();
  await expect(answer).toContainText("end");
  await chat.settled();
  await expect(answer.locator("a, img, [id=composer]")).toHaveCount(0);
  await expect(answer).toContainText("\\frac{1");
});
