import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test("a model that wakes shows its stages and the time so far; the draft goes when it is ready", async ({ page }) => {
  let state = "fetching";
  await page.route("**/api/models", async (route) => {
    const body = (await (await route.fetch()).json()) as { items: object[] };
    const waking_since = state === "ready" ? null : new Date(Date.now() - 75_000).toISOString();
    const items = body.items.slice(0, 1).map((item) => ({ ...item, title: "Sleeper", state, detail: null, waking_since }));
    await route.fulfill({ json: { items } });
  });
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  const stages = page.getByRole("region", { name: "Sleeper is waking up" });
  await expect(stages.locator('[aria-current="step"]')).toHaveText("Fetching");
  await expect(stages).toContainText(/1 min 1\d s so far/);
  await chat.composer.fill("[[echo]] patience");
  await expect(chat.send).toBeDisabled();

  state = "starting";
  await expect(stages.locator('[aria-current="step"]')).toHaveText("Loading", { timeout: 20_000 });
  state = "warming";
  await expect(stages.locator('[aria-current="step"]')).toHaveText("Warming up", { timeout: 20_000 });
  state = "ready";
  await expect(stages).toBeHidden({ timeout: 20_000 });
  await expect(chat.send).toBeEnabled();
  await chat.send.click();
  await expect(chat.answers.first()).toContainText("patience");
});
