import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

// Not a test that is skipped: when others are before somebody is what only the mock gateway decides.
if (process.env["HEADRACE_URL"] === undefined) {
  test("whoever waits for a busy model is told how many are before", async ({ page }) => {
    await new EntryPage(page).register(newPerson());
    const chat = new ChatPage(page);
    await chat.ask("[[queue]] [[echo]] patience");
    await expect(chat.answers.first()).toContainText("1 before you in line");
    await expect(chat.answers.first()).toContainText("You are next in line");
    await chat.settled();
    await expect(chat.answers.first()).toContainText("patience");
    await expect(chat.answers.first()).not.toContainText("in line");
  });
}
