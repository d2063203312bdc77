import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test.beforeEach(async ({ page }) => {
  await new EntryPage(page).register(newPerson());
});

test("a prompt is made, filled in, put into the composer, changed and deleted", async ({ page }) => {
  const chat = new ChatPage(page);
  await page.getByRole("button", { name: "Prompt library" }).click();
  const dialog = page.getByRole("dialog", { name: "Prompt library" });
  await expect(dialog).toContainText("No prompts yet.");
  await dialog.getByRole("button", { name: "New prompt" }).click();
  await dialog.getByLabel("Name").fill("Explain");
  await dialog.getByLabel("Text").fill("Explain {topic.x} to {who}.");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toContainText("A variable is a name of letters, digits and underscores in braces");
  await dialog.getByLabel("Text").fill("Explain {topic} to {who}.");
  await dialog.getByRole("button", { name: "Save" }).click();

  await dialog.getByRole("button", { name: "Use Explain" }).click();
  await dialog.getByLabel("topic").fill("a weir");
  await dialog.getByLabel("who").fill("a child");
  await dialog.getByRole("button", { name: "Insert" }).click();
  await expect(dialog).toBeHidden();
  await expect(chat.composer).toHaveValue("Explain a weir to a child.");
  await expect(chat.composer).toBeFocused();

  await page.getByRole("button", { name: "Prompt library" }).click();
  await dialog.getByRole("button", { name: "Edit Explain" }).click();
  await dialog.getByLabel("Name").fill("Explain well");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByRole("button", { name: "Delete Explain well" }).click();
  await dialog.getByRole("button", { name: /Delete for good/ }).click();
  await expect(dialog).toContainText("No prompts yet.");
});

test("instructions and parameters are bounded, kept with the chat, and go to a new one with its first message", async ({ page }) => {
  const chat = new ChatPage(page);
  const open = page.getByRole("button", { name: /^Instructions and parameters/ });
  await open.click();
  const dialog = page.getByRole("dialog", { name: "How this chat answers" });
  await dialog.getByLabel("Instructions").fill("Be brief.");
  await dialog.getByLabel("Temperature").fill("3");
  await dialog.getByLabel("Longest answer, in tokens").fill("5");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toContainText("Between 0 and 2.");
  await dialog.getByLabel("Temperature").fill("0.5");
  await dialog.getByLabel("Form of the answer").selectOption("JSON that fits a schema");
  await dialog.getByLabel("JSON schema").fill("{");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toContainText("A JSON schema: an object in braces.");
  await dialog.getByLabel("Form of the answer").selectOption("Text");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(open).toBeFocused();

  const patched = page.waitForRequest((request) => request.method() === "PATCH");
  await chat.ask("[[echo]] one two three four five six seven eight");
  expect((await patched).postDataJSON()).toEqual({
    system_prompt: "Be brief.",
    parameters: { temperature: 0.5, max_tokens: 5 },
    summarise: false,
  });
  await chat.settled();
  await expect(chat.answers.first()).toContainText("The answer reached its length limit.");
  await page.reload();
  await page.getByRole("button", { name: "Instructions and parameters (changed)" }).click();
  await expect(dialog.getByLabel("Instructions")).toHaveValue("Be brief.");
  await expect(dialog.getByLabel("Longest answer, in tokens")).toHaveValue("5");
  await dialog.getByRole("button", { name: "Clear all" }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: "Instructions and parameters", exact: true })).toBeVisible();
});
