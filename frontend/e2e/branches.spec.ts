import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test.beforeEach(async ({ page }) => {
  await new EntryPage(page).register(newPerson());
});

test("editing a message starts a branch, and the arrows go back and forth with the focus on them", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] the first wording");
  await chat.settled();
  await chat.ask("[[echo]] a follow-up");
  await chat.settled();

  await chat.questions.first().hover();
  await chat.questions.first().getByRole("button", { name: "Edit" }).click();
  const field = page.getByRole("textbox", { name: "Edit your message" });
  await expect(field).toBeFocused();
  await field.fill("[[echo]] the second wording");
  await field.press("Enter");

  await expect(chat.answers.first()).toContainText("the second wording");
  await chat.settled();
  await expect(chat.questions).toHaveCount(1);
  const branches = chat.questions.first().getByRole("group", { name: "Branches" });
  await expect(branches).toContainText("2/2");

  await branches.getByRole("button", { name: "Previous branch" }).click();
  await expect(chat.questions).toHaveCount(2);
  await expect(chat.answers.first()).toContainText("the first wording");
  await expect(chat.answers.nth(1)).toContainText("a follow-up");
  const first = chat.questions.first().getByRole("group", { name: "Branches" });
  await expect(first).toContainText("1/2");
  await expect(first.getByRole("button", { name: "Next branch" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(chat.answers.first()).toContainText("the second wording");

  await page.reload();
  await expect(chat.answers.first()).toContainText("the second wording");
  await expect(chat.questions).toHaveCount(1);
});

test("a message that was only just sent is edited where it stands, below what came before it", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] the first stays");
  await chat.settled();
  await chat.ask("[[echo]] the second changes");
  await chat.settled();
  await chat.composer.press("ArrowUp");
  await page.getByRole("textbox", { name: "Edit your message" }).fill("[[echo]] the second changed");
  await page.keyboard.press("Enter");
  await expect(chat.answers.nth(1)).toContainText("the second changed");
  await chat.settled();
  await expect(chat.questions.nth(1).getByRole("group", { name: "Branches" })).toContainText("2/2");
  await page.reload();
  await expect(chat.answers.first()).toContainText("the first stays");
  await expect(chat.answers.nth(1)).toContainText("the second changed");
});

test("Up in an empty composer edits the last message, and Escape leaves everything as it was", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] one thing");
  await expect(chat.answers.first()).toContainText("one thing");
  await chat.settled();
  await chat.composer.press("ArrowUp");
  const field = page.getByRole("textbox", { name: "Edit your message" });
  await expect(field).toBeFocused();
  await expect(field).toHaveValue("[[echo]] one thing");
  await field.press("Escape");
  await expect(field).toBeHidden();
  await expect(chat.questions).toHaveCount(1);
  await expect(chat.questions.first().getByRole("button", { name: "Edit" })).toBeFocused();
});

test("another answer stands beside the first", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] say it twice");
  await chat.settled();

  await chat.answers.first().getByRole("button", { name: "Try again", exact: true }).click();
  await expect(chat.answers.first().getByRole("group", { name: "Branches" })).toContainText("2/2");
  await expect(chat.answers).toHaveCount(1);
  await chat.answers.first().getByRole("button", { name: "Previous branch" }).click();
  await expect(chat.answers.first().getByRole("group", { name: "Branches" })).toContainText("1/2");
});

// A second model that is ready, and an engine that dies when told to, are what only the mock gateway has.
if (process.env["HEADRACE_URL"] === undefined) {
  test("another answer may come from another model", async ({ page }) => {
    const chat = new ChatPage(page);
    await chat.ask("[[echo]] say it twice");
    await chat.settled();
    await chat.answers.first().getByRole("button", { name: "Ask another model" }).click();
    const asked = page.waitForRequest(/\/retry$/);
    await page.getByRole("menuitem", { name: "SmolLM2 135M" }).click();
    expect((await asked).postDataJSON()).toEqual({ model: "smollm2-135m" });
    await expect(chat.answers.first().getByRole("group", { name: "Branches" })).toContainText("2/2");
    await expect(chat.answers).toHaveCount(1);
  });

  test("an answer whose engine dies says that it is reconnecting, and then goes on where it was", async ({ page }) => {
    const chat = new ChatPage(page);
    const words = Array.from({ length: 20 }, (_, index) => `word${index + 1}`).join(" ");
    await chat.ask(`[[die]] [[slow]] [[echo]] ${words}`);
    await expect(chat.answers.first()).toContainText("Reconnecting");
    await expect(chat.answers.first()).toContainText("word5");
    await chat.settled();
    await expect(chat.answers.first()).toContainText(words);
    await expect(chat.answers.first()).not.toContainText("Reconnecting");
  });
}

test("a stopped answer can be asked to go on, in words that everybody sees", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[slow]] [[long]]");
  await expect(chat.answers.first()).toContainText(/\w+ \w+ \w+/);
  await chat.stop.click();
  await chat.settled();
  await chat.answers.first().getByRole("button", { name: "Ask to go on" }).click();
  await expect(chat.questions.nth(1)).toContainText("Go on from where you stopped.");
  await chat.settled();
  await expect(chat.answers).toHaveCount(2);
});
