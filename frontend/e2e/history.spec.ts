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
  await expect(chat.answers.first()).toContainText(text);
  await chat.settled();
  await expect(chat.activeItem).not.toHaveText("New chat");
  return chat.activeItem.innerText();
}

test("a chat can be renamed, and the name stays", async ({ page }) => {
  const chat = new ChatPage(page);
  const title = await chatCalled(chat, "a river without a name");

  await chat.menu(title, "Rename");
  const field = chat.rail.getByRole("textbox", { name: "Chat title" });
  await expect(field).toBeFocused();
  await field.fill("The upper weir");
  await field.press("Enter");

  await expect(chat.item("The upper weir")).toBeVisible();
  await expect(chat.heading).toHaveText("The upper weir");
  await page.reload();
  await expect(chat.heading).toHaveText("The upper weir");
});

test("renaming is given up with Escape, and the answer is not stopped by it", async ({ page }) => {
  const chat = new ChatPage(page);
  const title = await chatCalled(chat, "keep this name");

  await chat.menu(title, "Rename");
  const field = chat.rail.getByRole("textbox", { name: "Chat title" });
  await field.fill("Something else");
  await field.press("Escape");

  await expect(field).toBeHidden();
  await expect(chat.activeItem).toHaveText(title);
});

test("moving between chats keeps each one's messages, and the filter finds a title", async ({ page }) => {
  const chat = new ChatPage(page);
  await chatCalled(chat, "first conversation about herons");
  await chat.menu(await chat.activeItem.innerText(), "Rename");
  await chat.rail.getByRole("textbox", { name: "Chat title" }).fill("Herons");
  await chat.rail.getByRole("textbox", { name: "Chat title" }).press("Enter");
  await expect(chat.item("Herons")).toBeVisible();
  await chatCalled(chat, "second conversation about otters");
  await expect(chat.questions).toHaveCount(1);

  await chat.item("Herons").click();
  await expect(chat.answers.first()).toContainText("first conversation about herons");
  await expect(chat.questions).toHaveCount(1);
  await page.goBack();
  await expect(chat.answers.first()).toContainText("second conversation about otters");

  await chat.rail.getByRole("textbox", { name: "Filter chats" }).fill("heron");
  await expect(chat.rail.getByRole("link")).toHaveCount(1);
  await chat.rail.getByRole("textbox", { name: "Filter chats" }).fill("no such thing");
  await expect(chat.rail).toContainText("No loaded chat matches.");
  await chat.rail.getByRole("textbox", { name: "Filter chats" }).press("Enter");
  await expect(page).toHaveURL(/\/search\?q=no%20such%20thing/);
});

test("a chat begun in one tab shows in another without a reload", async ({ page, context }) => {
  const chat = new ChatPage(page);
  await expect(chat.composer).toBeVisible();
  const other = new ChatPage(await context.newPage());
  await other.page.goto("/");
  await expect(other.composer).toBeVisible();

  const title = await chatCalled(chat, "seen from two places");

  await expect(other.item(title)).toBeVisible();
  await other.item(title).click();
  await expect(other.answers.first()).toContainText("seen from two places");
});

test("in a narrow window the list is a drawer that closes behind itself", async ({ page }) => {
  const chat = new ChatPage(page);
  const title = await chatCalled(chat, "read on a phone");
  await page.setViewportSize({ width: 390, height: 844 });

  await expect(chat.rail).toBeHidden();
  const open = page.getByRole("button", { name: "Open chat list" });
  await open.click();
  const drawer = page.getByRole("dialog", { name: "Chats" });
  await expect(drawer).toBeVisible();
  await drawer.getByRole("button", { name: "New chat", exact: true }).click();
  await expect(drawer).toBeHidden();
  await expect(chat.heading).toHaveText("New chat");

  await open.click();
  await drawer.getByRole("link", { name: title }).click();
  await expect(drawer).toBeHidden();
  await expect(chat.answers.first()).toContainText("read on a phone");

  await open.click();
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
  await expect(open).toBeFocused();
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
});
