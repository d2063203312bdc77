import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test("a thumb is kept, shown in the other tab, changed and taken back", async ({ page, context }) => {
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] a fine answer");
  await expect(chat.answers.first()).toContainText("a fine answer");
  await chat.settled();
  const other = new ChatPage(await context.newPage());
  await other.page.goto(page.url());
  await expect(other.answers.first()).toContainText("a fine answer");

  const thumb = (of: ChatPage, name: string) => of.answers.first().getByRole("button", { name });
  await thumb(chat, "Good answer").click();
  await expect(thumb(chat, "Good answer")).toHaveAttribute("aria-pressed", "true");
  await expect(thumb(other, "Good answer")).toHaveAttribute("aria-pressed", "true");

  await page.reload();
  await expect(thumb(chat, "Good answer")).toHaveAttribute("aria-pressed", "true");
  await thumb(chat, "Bad answer").click();
  await expect(thumb(other, "Bad answer")).toHaveAttribute("aria-pressed", "true");
  await expect(thumb(other, "Good answer")).toHaveAttribute("aria-pressed", "false");

  await thumb(other, "Bad answer").click();
  await expect(thumb(chat, "Bad answer")).toHaveAttribute("aria-pressed", "false");
});

test("a rating that the server refuses is put back, and said", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] an answer");
  await expect(chat.answers.first()).toContainText("an answer");
  await chat.settled();
  await page.route("**/messages/*", (route) => route.abort());
  const good = chat.answers.first().getByRole("button", { name: "Good answer" });
  await good.click();
  await expect(page.getByText("The rating was not saved.")).toBeVisible();
  await expect(good).toHaveAttribute("aria-pressed", "false");
});
