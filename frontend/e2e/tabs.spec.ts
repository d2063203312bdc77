import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test("a second tab is in step: a turn that begins, grows, stops and branches in the first", async ({ page, context }) => {
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] the beginning");
  await chat.settled();
  const other = new ChatPage(await context.newPage());
  await other.page.goto(page.url());
  await expect(other.answers.first()).toContainText("the beginning");

  await chat.ask("[[slow]] [[long]] watched from two places");
  await expect(other.questions.nth(1)).toContainText("watched from two places");
  await expect(other.stop).toBeVisible();
  const early = (await other.answers.nth(1).innerText()).length;
  await expect.poll(async () => (await other.answers.nth(1).innerText()).length).toBeGreaterThan(early + 20);

  await other.stop.click();
  await chat.settled();
  await other.settled();
  const text = (tab: ChatPage) => tab.answers.nth(1).locator(".prose").innerText();
  await expect.poll(() => text(other)).toBe(await text(chat));

  await chat.answers.nth(1).getByRole("button", { name: "Try again", exact: true }).first().click();
  await expect(other.stop).toBeVisible();
  await chat.stop.click();
  await other.settled();
  await expect(other.answers.nth(1).getByRole("group", { name: "Branches" })).toContainText("2/2");
});

test("a turn that another tab began comes over the one socket, and over a stream where there is none", async ({ page, context }) => {
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] the beginning");
  await chat.settled();

  const streams: string[] = [];
  const watching = new ChatPage(await context.newPage());
  watching.page.on("request", (request) => {
    if (/\/api\/turns\/\w+\/events/.test(request.url())) streams.push(request.url());
  });
  await watching.page.goto(page.url());
  await expect(watching.answers.first()).toContainText("the beginning");
  const without = await context.newPage();
  await without.routeWebSocket(/\/api\/events$/, (socket) => socket.close());
  const alone = new ChatPage(without);

  const words = Array.from({ length: 80 }, (_, index) => `word${index + 1}`).join(" ");
  await chat.ask(`[[slow]] [[echo]] ${words}`);
  await expect(watching.answers.nth(1)).toContainText("word5");
  await alone.page.goto(page.url());
  for (const tab of [chat, watching, alone]) {
    await tab.settled();
    await expect(tab.answers.nth(1)).toContainText(words);
  }
  expect(streams).toEqual([]);
});

test("a branch that is opened in one tab is shown in the other", async ({ page, context }) => {
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] same words");
  await chat.settled();
  await chat.answers.first().getByRole("button", { name: "Try again", exact: true }).click();
  const branches = chat.answers.first().getByRole("group", { name: "Branches" });
  await expect(branches).toContainText("2/2");
  const other = new ChatPage(await context.newPage());
  await other.page.goto(page.url());
  const seen = other.answers.first().getByRole("group", { name: "Branches" });
  await expect(seen).toContainText("2/2");
  await branches.getByRole("button", { name: "Previous branch" }).click();
  await expect(branches).toContainText("1/2");
  await expect(seen).toContainText("1/2");
});

test("a model that becomes ready shows in every tab without a reload", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  await page.routeWebSocket("**/api/events", (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      socket.send(message);
      const model = { name: "later", title: "Later", description: "", engine: "simulated", state: "ready", detail: null };
      socket.send(
        JSON.stringify({ type: "model.updated", model: { ...model, revision: "r1", context_window: 1, max_output_tokens: 1 } }),
      );
    });
  });
  await page.reload();
  await chat.pickModel("Later");
  await expect(chat.picker).toHaveAccessibleName("Model: Later");
});
