import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

// Not a test that is skipped: without a real model in the stack it is not there to run.
if (process.env["HEADRACE_E2E_VLLM"] === "1") {
  test("a real model knows the opposite of hot", async ({ page }) => {
    test.setTimeout(180_000);
    await new EntryPage(page).register(newPerson());
    const chat = new ChatPage(page);
    await chat.pickModel(/smollm2/i);
    // The likeliest words only, and by far: what is tested is the way to a real model, not its luck.
    await page.getByRole("button", { name: "Instructions and parameters" }).click();
    const settings = page.getByRole("dialog", { name: "How this chat answers" });
    await settings.getByLabel("Temperature").fill("0");
    await settings.getByRole("button", { name: "Save" }).click();
    await chat.ask("What is the opposite of hot?");
    await expect(chat.answers.first()).toContainText("cold", { timeout: 120_000 });

    await page.getByRole("button", { name: /^Instructions and parameters/ }).click();
    await settings.getByLabel("Form of the answer").selectOption("JSON that fits a schema");
    await settings.getByLabel("JSON schema").fill('{"type": "object", "properties": {"city": {"enum": ["Lyon"]}}, "required": ["city"]}');
    await settings.getByRole("button", { name: "Save" }).click();
    await chat.ask("Where is the river Rhone?");
    await expect(chat.answers.last().getByRole("button", { name: /copy code/i })).toBeVisible({ timeout: 120_000 });
    await expect(chat.answers.last()).toContainText('"Lyon"');
  });
}
