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
