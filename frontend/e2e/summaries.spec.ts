import { expect, test, type Page } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

/** A chat that is longer than the window of the stand-in's model. */
async function longChat(page: Page): Promise<ChatPage> {
  await new EntryPage(page).register(newPerson());
  const made = await page.request.post("/api/mock/long?messages=60");
  const { id } = (await made.json()) as { id: string };
  await page.goto(`/?c=${id}`);
  const chat = new ChatPage(page);
  await expect(chat.answers.last()).toContainText("Answer 30.");
  return chat;
}

// A conversation of this length at once is what only the mock gateway can make; tests/stack has the real one.
if (process.env["HEADRACE_URL"] === undefined) {
  test("what did not fit is summarised when the person wants it, and the next answer reads the summary", async ({ page }) => {
    const chat = await longChat(page);
    await chat.ask("[[echo]] and now?");
    const answer = chat.answers.last();
    await expect(answer).toContainText("and now?");
    await chat.settled();
    await expect(answer).toContainText("21 older messages were left out");
    await answer.getByRole("button", { name: "Summarise them for the next answer" }).click();
    await expect(answer.getByText("Summarising")).toBeVisible();
    await expect(answer).toContainText("The next answer reads a summary of them.");

    await answer.getByRole("button", { name: "Read the summary" }).click();
    const dialog = page.getByRole("dialog", { name: "Summary of the oldest messages" });
    await expect(dialog).toContainText("how high the water stands behind the weir");
    await expect(dialog).toContainText("Stands for the 21 oldest messages.");
    await page.keyboard.press("Escape");
    await expect(answer.getByRole("button", { name: "Read the summary" })).toBeFocused();

    await chat.ask("[[echo]] then?");
    await expect(chat.answers.last()).toContainText("then?");
    await expect(chat.answers.last()).toContainText("The model read a summary of the 21 oldest messages; 2 more were left out.");
    await chat.settled();
    // The wish holds: what is left out by now is summarised without being asked for.
    await expect(chat.answers.last()).toContainText("The next answer reads a summary of them.");
    await chat.answers.last().getByRole("button", { name: "Details" }).click();
    await expect(chat.answers.last().getByLabel("About this answer")).toContainText("21 older messages");
  });

  test("a summary that fails says why and can be tried again", async ({ page }) => {
    const chat = await longChat(page);
    await page.getByRole("button", { name: "Instructions and parameters" }).click();
    const settings = page.getByRole("dialog", { name: "How this chat answers" });
    await settings.getByLabel("Instructions").fill("[[nosummary]]");
    await settings.getByRole("checkbox", { name: "Summarise what no longer fits" }).check();
    await settings.getByRole("button", { name: "Save" }).click();
    await chat.ask("[[echo]] and now?");
    const answer = chat.answers.last();
    await expect(answer).toContainText("Not summarised: The model is away.");
    await answer.getByRole("button", { name: "Try again" }).first().click();
    await expect(answer.getByText("Summarising")).toBeVisible();
    await expect(answer).toContainText("Not summarised: The model is away.");
  });
}
