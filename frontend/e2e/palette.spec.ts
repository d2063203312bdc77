import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test.beforeEach(async ({ page }) => {
  await new EntryPage(page).register(newPerson());
});

async function chatAbout(chat: ChatPage, text: string) {
  await chat.newChat.click();
  await chat.ask(`[[echo]] ${text}`);
  await expect(chat.answers).toHaveCount(1);
  await chat.settled();
  await expect(chat.activeItem).not.toHaveText("New chat");
}

test("the palette goes to a chat, picks a model and a theme, and gives the focus back", async ({ page }) => {
  const chat = new ChatPage(page);
  await chatAbout(chat, "herons by the weir");
  await chatAbout(chat, "otters in the mill race");
  const box = page.getByRole("combobox", { name: "Type a command or a chat" });

  await page.keyboard.press("Control+k");
  await expect(box).toBeFocused();
  await page.keyboard.type("herons");
  await page.keyboard.press("Enter");
  await expect(chat.answers.first()).toContainText("herons by the weir");
  await expect(chat.composer).toBeFocused();

  await page.keyboard.press("Control+k");
  await expect(box).toBeFocused();
  await page.keyboard.type("answer simul");
  await page.keyboard.press("Enter");
  await expect(chat.picker).toHaveAccessibleName("Model: Simulated");

  await page.keyboard.press("Control+k");
  await expect(box).toBeFocused();
  await page.keyboard.type("theme dark");
  await page.keyboard.press("Enter");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");

  await chat.composer.focus();
  await page.keyboard.press("Control+k");
  await expect(box).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("option", { selected: true })).toHaveText(/Search all messages/);
  await page.keyboard.press("Escape");
  await expect(box).toBeHidden();
  await expect(chat.composer).toBeFocused();
});

test("search finds words in messages, marks them as text, and leads to the chat", async ({ page }) => {
  const chat = new ChatPage(page);
  await chatAbout(chat, "the <b>sluice</b> gate is <img src=x onerror=alert(1)> shut");
  await chatAbout(chat, "nothing of the kind");

  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox")).toBeFocused();
  await page.keyboard.type("sluice gate");
  await page.getByRole("option", { name: 'Search all messages for "sluice gate"' }).click();
  await expect(page).toHaveURL(/\/search\?q=sluice%20gate/);
  const main = page.getByRole("main");
  await expect(main.locator("mark").first()).toHaveText(/sluice/i);
  await expect(main.locator("img, b")).toHaveCount(0);
  await expect(main).toContainText("<b>sluice</b>");

  const field = page.getByRole("searchbox", { name: "Search all messages" });
  await field.fill("no such words anywhere");
  await expect(main).toContainText('Nothing found for "no such words anywhere".');
  await page.reload();
  await expect(main).toContainText('Nothing found for "no such words anywhere".');
  await field.fill("sluice");
  await main.getByRole("link").last().click();
  await expect(chat.answers.first()).toContainText("sluice");
  await expect(page).toHaveURL(/\?c=cnv_/);
});

test("the keyboard alone is enough: ask, stop, edit, branch, rename a chat, share it, find it again", async ({ page }) => {
  const chat = new ChatPage(page);
  await expect(chat.composer).toBeFocused();
  await page.keyboard.type("[[slow]] [[long]] by keyboard");
  await page.keyboard.press("Enter");
  await expect(chat.answers.first()).toContainText(/\w+ \w+/);
  await page.keyboard.press("Escape");
  await chat.settled();

  await chat.composer.focus();
  await page.keyboard.press("ArrowUp");
  await expect(page.getByRole("textbox", { name: "Edit your message" })).toBeFocused();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("[[echo]] edited by keyboard");
  await page.keyboard.press("Enter");
  await expect(chat.answers.first()).toContainText("edited by keyboard");
  await chat.settled();
  await expect(chat.composer).toBeFocused();
  const back = chat.questions.first().getByRole("button", { name: "Previous branch" });
  await expect(back).toBeEnabled();
  await back.focus();
  await page.keyboard.press("Enter");
  await expect(chat.answers.first()).toContainText("Stopped");

  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox")).toBeFocused();
  await page.keyboard.type("share this");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Share this chat" });
  await expect(dialog).toBeVisible();
  await dialog.getByRole("button", { name: "Create link" }).focus();
  await page.keyboard.press("Enter");
  await expect(dialog.getByRole("textbox", { name: "Link" })).toHaveValue(/\/shared\/[\w-]{43}$/);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();

  await page.keyboard.press("Control+Shift+O");
  await expect(chat.composer).toBeFocused();
  await page.keyboard.press("Control+Shift+F");
  await expect(page.getByRole("searchbox")).toBeFocused();
  await page.getByRole("searchbox").blur();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toContainText("Edit the last message");
});
