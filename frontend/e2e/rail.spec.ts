import { readFileSync } from "node:fs";
import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test.beforeEach(async ({ page }) => {
  await new EntryPage(page).register(newPerson());
});

async function chatCalled(chat: ChatPage, text: string) {
  await chat.newChat.click();
  await chat.ask(`[[echo]] ${text}`);
  await expect(chat.answers).toHaveCount(1);
  await chat.settled();
  await expect(chat.activeItem).not.toHaveText("New chat");
  return chat.activeItem.innerText();
}

test("deleting takes a chat away at once, and undo brings all of it back", async ({ page }) => {
  const chat = new ChatPage(page);
  const title = await chatCalled(chat, "this will go and come back");
  const link = page.url();

  await chat.menu(title, "Delete");
  await expect(chat.item(title)).toBeHidden();
  await expect(page).not.toHaveURL(/\?c=/);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(chat.item(title)).toBeVisible();
  await page.goto(link);
  await expect(chat.answers.first()).toContainText("this will go and come back");

  await chat.menu(title, "Delete");
  await expect(chat.item(title)).toBeHidden();
  await page.goto(link);
  await expect(page.getByRole("heading", { name: "This chat does not exist" })).toBeVisible();
});

test("a pinned chat stands first, and an archived one waits on its own page", async ({ page }) => {
  const chat = new ChatPage(page);
  const first = await chatCalled(chat, "pinned one");
  const second = await chatCalled(chat, "newer one");
  await chat.menu(first, "Pin");
  await expect(chat.rail.getByRole("heading", { name: "Pinned" })).toBeVisible();
  await expect(chat.rail.getByRole("link").first()).toHaveText(first);
  await page.reload();
  await expect(chat.rail.getByRole("link").first()).toHaveText(first);

  await chat.menu(second, "Archive");
  await expect(chat.item(second)).toBeHidden();
  await chat.accountMenu("Archived chats");
  const main = page.getByRole("main");
  await expect(main.getByRole("link", { name: second })).toBeVisible();
  await main.getByRole("button", { name: `Take ${second} out of the archive` }).click();
  await expect(main).toContainText("Nothing is archived.");
  await expect(chat.item(second)).toBeVisible();
});

test("a chat can be saved as Markdown and as JSON", async ({ page }) => {
  const chat = new ChatPage(page);
  const title = await chatCalled(chat, "worth keeping");
  for (const [entry, ending, holds] of [
    ["Export as Markdown", /\.md$/, "worth keeping"],
    ["Export as JSON", /\.json$/, '"siblings"'],
  ] as const) {
    const saved = page.waitForEvent("download");
    await chat.menu(title, entry);
    const file = await saved;
    expect(file.suggestedFilename()).toMatch(ending);
    expect(readFileSync(await file.path(), "utf8")).toContain(holds);
  }
});

test("a share link shows the chat to a stranger until it is revoked, and never more than was shared", async ({ page, browser }) => {
  const chat = new ChatPage(page);
  const title = await chatCalled(chat, "**shared** <script>window.stolen = 1</script> words");
  await chat.menu(title, "Share");
  const dialog = page.getByRole("dialog", { name: "Share this chat" });
  await dialog.getByRole("button", { name: "Create link" }).click();
  const field = dialog.getByRole("textbox", { name: "Link" });
  await expect(field).toHaveValue(/\/shared\/[\w-]{43}$/);
  const link = await field.inputValue();
  await page.keyboard.press("Escape");
  await chat.ask("[[echo]] said later");
  await chat.settled();

  const stranger = await (await browser.newContext()).newPage();
  const answered = await stranger.goto(link);
  expect(answered?.headers()["x-robots-tag"]).toBe("noindex");
  expect(answered?.headers()["referrer-policy"]).toBe("no-referrer");
  await expect(stranger.getByRole("heading", { level: 1 })).toHaveText(title);
  await expect(stranger.getByRole("article")).toHaveCount(2);
  await expect(stranger.locator("strong")).toHaveText("shared");
  await expect(stranger.getByRole("main")).toContainText("<script>window.stolen = 1</script>");
  await expect(stranger.getByRole("main")).not.toContainText("said later");
  await expect(stranger.locator("body")).not.toContainText("Ada Marsh");
  expect(await stranger.evaluate(() => (window as { stolen?: number }).stolen)).toBeUndefined();
  await expect(stranger.getByRole("textbox")).toHaveCount(0);

  await chat.menu(title, "Share");
  await expect(dialog).toContainText("cannot be shown again");
  await dialog.getByRole("button", { name: "Revoke link" }).click();
  await expect(dialog).toContainText("The link no longer works.");
  await stranger.reload();
  await expect(stranger.getByRole("heading", { name: "This link does not work" })).toBeVisible();
  await stranger.context().close();
});
