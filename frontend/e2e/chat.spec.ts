import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test.beforeEach(async ({ page }) => {
  await new EntryPage(page).register(newPerson());
});

test("an answer streams in, a title arrives without a reload, and the link brings it all back", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[slow]] [[long]] What is a headrace?");

  await expect(chat.questions.first()).toContainText("What is a headrace?");
  await expect(page).toHaveURL(/\?c=cnv_/);
  await expect(chat.answers.first()).toContainText(/\w+ \w+/);
  const early = (await chat.answers.first().innerText()).length;
  await expect(chat.stop).toBeVisible();
  await expect.poll(async () => (await chat.answers.first().innerText()).length).toBeGreaterThan(early);
  await chat.stop.click();
  await chat.settled();

  await expect(chat.activeItem).not.toHaveText("New chat");
  const title = await chat.activeItem.innerText();
  await expect(chat.heading).toHaveText(title);
  const text = await chat.answers.first().innerText();

  await page.reload();
  await expect(chat.questions.first()).toContainText("What is a headrace?");
  await expect(chat.heading).toHaveText(title);
  await expect.poll(() => chat.answers.first().innerText()).toBe(text);
});

test("a reload in mid-answer picks the answer up and follows it to its end", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[slow]] [[echo]] " + Array.from({ length: 60 }, (_, index) => `word${index + 1}`).join(" "));
  await expect(chat.answers.first()).toContainText("word5");

  await page.reload();

  await expect(chat.answers.first()).toContainText("word1 word2 word3");
  await expect(chat.stop).toBeVisible();
  await chat.settled();
  await expect(chat.answers).toHaveCount(1);
  await expect(chat.answers.first()).toContainText(
    Array.from({ length: 60 }, (_, index) => `word${index + 1}`).join(" "),
  );
});

test("a stream that is cut goes on from the last number it had, and nothing is lost or doubled", async ({ page }) => {
  const chat = new ChatPage(page);
  const words = Array.from({ length: 40 }, (_, index) => `word${index + 1}`).join(" ");
  await page.route(/\/api\/conversations\/\w+\/turns$/, async (route) => {
    const response = await route.fetch();
    const frames = (await response.text()).split("\n\n");
    await route.fulfill({ response, body: frames.slice(0, Math.floor(frames.length / 2)).join("\n\n") + "\n\n" });
  });
  const resumedAfter: (string | null)[] = [];
  await page.route(/\/api\/turns\/\w+\/events/, async (route) => {
    resumedAfter.push(await route.request().headerValue("last-event-id"));
    if (resumedAfter.length < 3) await route.abort("connectionreset");
    else await route.continue();
  });

  await chat.ask(`[[echo]] ${words}`);

  await expect(chat.answers.first()).toContainText("Reconnecting");
  await chat.settled();
  await expect(chat.answers).toHaveCount(1);
  await expect(chat.answers.first()).toContainText(words);
  await expect(chat.answers.first()).not.toContainText("Reconnecting");
  expect(resumedAfter).toHaveLength(3);
  expect(new Set(resumedAfter).size).toBe(1);
  expect(Number(resumedAfter[0])).toBeGreaterThan(5);
});

test("stopping ends the answer and keeps its text, also after a reload", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[slow]] [[long]]");
  await expect(chat.answers.first()).toContainText(/\w+ \w+ \w+/);

  await page.keyboard.press("Escape");

  await chat.settled();
  await expect(chat.answers.first()).toContainText("Stopped. The text so far is kept.");
  await page.reload();
  await expect(chat.answers.first()).toContainText("Stopped. The text so far is kept.");
  await expect(chat.answers.first()).toContainText(/\w+ \w+ \w+/);
});

test("a failed answer says so, keeps its text and can be tried again", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[fail]] [[echo]] one two three four five six seven eight nine ten eleven twelve thirteen fourteen");
  const answer = chat.answers.first();

  await expect(answer.getByRole("button", { name: "Try again" })).toBeVisible();
  await expect(answer).toContainText("The text so far is kept.");
  await expect(answer).toContainText("one");
  const retried = page.waitForResponse(/\/api\/turns\/\w+\/retry$/);
  await answer.getByRole("button", { name: "Try again" }).click();

  expect((await retried).status()).toBe(200);
  await chat.settled();
  await expect(chat.answers).toHaveCount(1);
  await expect(chat.questions).toHaveCount(1);
  await expect(answer.getByRole("group", { name: "Branches" })).toContainText("2/2");
  await expect(answer.getByRole("button", { name: "Try again" })).toBeVisible();
});

test("a second question goes on in the same conversation", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] first answer");
  await expect(chat.answers).toHaveCount(1);
  await chat.settled();
  const link = page.url();

  await chat.composer.fill("[[echo]] second answer");
  await chat.composer.press("Enter");

  await expect(chat.answers.nth(1)).toContainText("second answer");
  await chat.settled();
  await expect(chat.questions).toHaveCount(2);
  expect(page.url()).toBe(link);
});

test("the figures of an answer are one click away", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] a few words to count");
  await expect(chat.answers.first()).toContainText("a few words to count");
  await chat.settled();

  await chat.answers.first().getByRole("button", { name: "Details" }).click();

  const details = chat.answers.first().locator("dl");
  await expect(details).toContainText(/First token\s*[\d.,]+ (ms|s)/);
  await expect(details).toContainText(/Answer\s*\d+ tokens/);
  await expect(details).toContainText(/Ended\s*Finished by itself/);
});

test("what is written while a new chat comes into being is not lost, and stays in that chat", async ({ page }) => {
  const chat = new ChatPage(page);
  // A slow server: there is time to go on writing.
  await page.route("**/api/conversations", async (route) => {
    if (route.request().method() === "POST") await new Promise((resolve) => setTimeout(resolve, 1_500));
    await route.continue();
  });
  await chat.ask("[[echo]] hello");
  await chat.composer.pressSequentially("and one more", { delay: 20 });
  await chat.settled();
  await expect(chat.composer).toHaveValue("and one more");
  await expect(chat.composer).toBeFocused();
  await page.reload();
  await expect(chat.composer).toHaveValue("and one more");
  await chat.newChat.click();
  await expect(chat.composer).toHaveValue("");
  await chat.composer.fill("of the new chat");
  await page.goBack();
  await expect(chat.composer).toHaveValue("and one more");
  await chat.newChat.click();
  await expect(chat.composer).toHaveValue("of the new chat");
});

test("a draft is kept through a reload and belongs to its own chat", async ({ page }) => {
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] hello");
  await chat.settled();
  await chat.composer.fill("half a thought");

  await page.reload();
  await expect(chat.composer).toHaveValue("half a thought");
  await chat.newChat.click();
  await expect(chat.composer).toHaveValue("");
  await page.goBack();
  await expect(chat.composer).toHaveValue("half a thought");
});

test("the page stays at the end while text grows, and lets go when the reader scrolls up", async ({ page }) => {
  const chat = new ChatPage(page);
  await page.setViewportSize({ width: 1280, height: 480 });
  await chat.ask("[[slow]] [[echo]] " + Array.from({ length: 150 }, (_, index) => `\n- item ${index + 1}`).join(""));
  const distance = () =>
    chat.log.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);
  await expect(page).toHaveURL(/\?c=cnv_/);
  await expect(chat.answers.first()).toContainText("item 2");
  await expect.poll(() => chat.log.evaluate((element) => element.scrollHeight - element.clientHeight)).toBeGreaterThan(200);
  expect(await distance()).toBeLessThan(60);

  await chat.log.hover();
  await page.mouse.wheel(0, -400);

  const toEnd = page.getByRole("button", { name: "New text below" });
  await expect(toEnd).toBeVisible();
  const top = await chat.log.evaluate((element) => element.scrollTop);
  const before = await chat.answers.first().innerText();
  await expect.poll(() => chat.answers.first().innerText()).not.toBe(before);
  expect(await chat.log.evaluate((element) => element.scrollTop)).toBe(top);

  await toEnd.click();
  await expect(toEnd).toBeHidden();
  await expect.poll(distance).toBeLessThan(60);
  await chat.stop.click();
  await chat.settled();
});
