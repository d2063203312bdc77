import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

const MESSAGES = 2_000;

// A conversation of this length at once is what only the mock gateway can make.
if (process.env["HEADRACE_URL"] === undefined) {
  test("a chat of 2,000 messages is read from end to beginning with a few screens of it on the page", async ({ page }) => {
    test.setTimeout(180_000);
    await new EntryPage(page).register(newPerson());
    const chat = new ChatPage(page);
    const made = await page.request.post(`/api/mock/long?messages=${MESSAGES}`);
    const { id } = (await made.json()) as { id: string };
    await page.goto(`/?c=${id}`);
    await expect(chat.answers.last()).toContainText("Answer 1000.");

    // Up to the very first message, page by page.
    await expect(async () => {
      await chat.log.evaluate((box) => box.scrollTo({ top: 0 }));
      await expect(chat.questions.first()).toContainText("Question 1:", { timeout: 250 });
    }).toPass({ timeout: 120_000, intervals: [50] });
    const there = await chat.log.evaluate((box) => ({
      articles: box.querySelectorAll("article").length,
      height: box.scrollHeight,
    }));
    process.stdout.write(`at the first of ${MESSAGES}: ${there.articles} messages on the page, ${there.height} px high\n`);
    expect(there.articles).toBeLessThan(150);
    expect(there.height).toBeGreaterThan(MESSAGES * 50);

    // Through all of it again, a screen at a time: what is in view is always there.
    const frames = await chat.log.evaluate(async (box) => {
      const gaps: number[] = [];
      let blank = 0;
      let last = performance.now();
      for (let top = 0; top < box.scrollHeight; top += 1_500) {
        box.scrollTo({ top });
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
        const now = performance.now();
        gaps.push(now - last);
        last = now;
        const { left, top: y, width, height } = box.getBoundingClientRect();
        const middle = document.elementFromPoint(left + width / 2, y + height / 2);
        if (!middle?.closest("article") && box.scrollTop > 0 && !middle?.querySelector("article")) blank += 1;
      }
      gaps.sort((a, b) => a - b);
      return { steps: gaps.length, blank, median: gaps[Math.floor(gaps.length / 2)], p95: gaps[Math.floor(gaps.length * 0.95)] };
    });
    process.stdout.write(`scrolling, ms a step: ${JSON.stringify(frames)}\n`);
    expect(frames.blank).toBe(0);

    // While an answer streams, finished messages are left alone and typing goes on.
    await page.getByRole("button", { name: "Go to the end" }).click();
    await expect(chat.answers.last()).toContainText("Answer 1000.");
    await chat.ask("[[slow]] [[long]]");
    await expect(chat.answers.last()).toContainText(/Water moves/);
    const touched = chat.log.evaluate(async (box) => {
      const growing = [...box.querySelectorAll("article")].at(-1);
      let elsewhere = 0;
      const observer = new MutationObserver((all) => {
        elsewhere += all.filter(({ target }) => !growing?.contains(target)).length;
      });
      observer.observe(box, { subtree: true, childList: true, characterData: true, attributes: true });
      await new Promise((done) => setTimeout(done, 2_000));
      observer.disconnect();
      return elsewhere;
    });
    await chat.composer.pressSequentially("typed while it streams", { delay: 40 });
    expect(await touched).toBe(0);
    await expect(chat.composer).toHaveValue("typed while it streams");
    await chat.stop.click();
    await chat.settled();
  });
}
