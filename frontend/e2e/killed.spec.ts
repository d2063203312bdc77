import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { Gateways } from "./pages/gateways";
import { newPerson } from "./pages/person";

/** How many words there are behind the last "word1": the answer's, once it has begun. */
const countOf = (text: string): number => text.slice(text.lastIndexOf("word1 ")).match(/word\d+/g)?.length ?? 0;

const varDir = process.env["HEADRACE_VAR_DIR"];

// Not a test that is skipped: without a whole stack there is no gateway to kill.
if (process.env["HEADRACE_URL"] && varDir) {
  test("every gateway is killed while an answer streams, and the person sees all of it, once", async ({ page }) => {
    test.setTimeout(180_000);
    const gateways = new Gateways(varDir);
    expect(gateways.names().length).toBeGreaterThan(1);
    await gateways.ready();
    await new EntryPage(page).register(newPerson());
    const chat = new ChatPage(page);
    const words = Array.from({ length: 250 }, (_, index) => `word${index + 1}`).join(" ");
    // Whatever is on the screen stays there: remember each text that the answer ever had.
    await page.evaluate(() => {
      const seen = ((window as unknown as { seen: string[] }).seen = [] as string[]);
      new MutationObserver(() => {
        const text = document.querySelector('[role="log"]')?.textContent ?? "";
        if (text !== seen.at(-1)) seen.push(text);
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });

    await chat.ask(`[[slow]] [[echo]] ${words}`);
    await expect(chat.answers.first()).toContainText("word5 ");
    for (const name of gateways.names()) {
      await gateways.ready();
      const before = (await chat.answers.first().innerText()).length;
      gateways.kill(name);
      await expect
        .poll(async () => (await chat.answers.first().innerText()).length, { timeout: 45_000 })
        .toBeGreaterThan(before + 20);
    }
    await expect(chat.send).toBeVisible({ timeout: 90_000 });

    await expect(chat.answers).toHaveCount(1);
    await expect(chat.answers.first()).toContainText(words);
    const seen = await page.evaluate(() => (window as unknown as { seen: string[] }).seen);
    expect(seen.some((text) => text.includes("Reconnecting"))).toBe(true);
    const first = seen.findIndex((text) => text.includes("answeredword1 "));
    expect(first).toBeGreaterThan(-1);
    const shrunk = seen.slice(first).filter((text, index, rest) => index > 0 && countOf(text) < countOf(rest[index - 1] ?? ""));
    expect(shrunk.map((text) => text.slice(-160))).toEqual([]);
  });
}
