import { expect, test, type Browser } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

// Setting a budget needs an administrator, whom only the mock gateway gives away for an address.
if (process.env["HEADRACE_URL"] === undefined) {
  async function setBudget(browser: Browser, userId: string, day: number) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const person = newPerson("The Admin");
    await new EntryPage(page).register({ ...person, email: `admin-${person.email}` });
    const answer = await page.request.put(`/api/admin/users/${userId}/budget`, { data: { day, month: null } });
    expect(answer.status()).toBe(200);
    await context.close();
  }

  test("a budget shows small, turns amber at four fifths, and counts down when it is used up, with the draft kept", async ({
    page,
    browser,
  }) => {
    await new EntryPage(page).register(newPerson());
    const chat = new ChatPage(page);
    const { id } = (await (await page.request.get("/api/auth/me")).json()) as { id: string };
    const chip = page.getByRole("button", { name: /Show your limits/ });
    await expect(chip).toHaveCount(0);

    await setBudget(browser, id, 100);
    await expect(chip).toHaveText("0%");
    await chat.ask(`[[echo]] ${"word ".repeat(36)}`);
    await chat.settled();
    await expect(chip).toHaveText(/8\d%/);
    await expect(chip).toHaveCSS("background-color", "rgb(253, 243, 225)");

    await chip.click();
    const dialog = page.getByRole("dialog", { name: "Your limits" });
    await expect(dialog.getByRole("meter", { name: "Tokens today" })).toHaveAttribute("aria-valuenow", /8\d/);
    await page.keyboard.press("Escape");
    await expect(chip).toBeFocused();

    await chat.ask(`[[echo]] ${"word ".repeat(20)}`);
    await chat.settled();
    await chat.composer.fill("precious words");
    await expect(page.getByText(/Your tokens are used up. You can send again in \d+/)).toBeVisible();
    await expect(chat.send).toBeDisabled();
    await page.reload();
    await expect(chat.composer).toHaveValue("precious words");
    await expect(page.getByText(/Your tokens are used up/)).toBeVisible();
    await page.setViewportSize({ width: 390, height: 844 });
    const height = await page.locator("form").filter({ has: chat.composer }).evaluate((form) => form.clientHeight);
    expect(height).toBeLessThan(160);
  });

  test("what the server refuses for the budget comes back, also an edit to its message", async ({ page, browser }) => {
    await new EntryPage(page).register(newPerson());
    const chat = new ChatPage(page);
    const { id } = (await (await page.request.get("/api/auth/me")).json()) as { id: string };
    await chat.ask("[[echo]] one two three");
    await chat.settled();
    // The page does not hear of it: the server alone knows.
    await page.route("**/api/usage/limits", (route) =>
      route.fulfill({ json: { budgets: [], requests: { limit: 60, remaining: 60, reset_seconds: 60 } } }),
    );
    await page.routeWebSocket("**/api/events", () => undefined);
    await page.reload();
    await setBudget(browser, id, 5);

    await chat.ask("do not lose this");
    const refusal = page.getByRole("alert").filter({ hasText: "Your tokens for today are used up." });
    await expect(refusal).toBeVisible();
    await expect(chat.composer).toHaveValue("do not lose this");
    await expect(page.getByText(/You can send again in \d+ (h|min|s)/)).toBeVisible();

    await chat.questions.first().hover();
    await chat.questions.first().getByRole("button", { name: "Edit" }).click();
    const field = page.getByRole("textbox", { name: "Edit your message" });
    await field.fill("nor this");
    await field.press("Enter");
    await expect(field).toHaveValue("nor this");
    await expect(chat.log.getByRole("alert")).toContainText("Your tokens for today are used up.");
    await expect(chat.composer).toHaveValue("do not lose this");
  });
}

test("a message whose connection is lost is sent again under the same key and never doubled", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  const keys: (string | null)[] = [];
  await page.route(/\/api\/conversations\/\w+\/turns$/, async (route) => {
    keys.push(await route.request().headerValue("idempotency-key"));
    // The server takes it, and nobody hears that it did.
    if (keys.length === 1) await route.fetch();
    if (keys.length < 3) await route.abort("connectionreset");
    else await route.continue();
  });
  await chat.ask("[[echo]] said only once");
  await expect(chat.answers.first()).toContainText("said only once");
  await chat.settled();
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^[\x21-\x7e]{16,255}$/);
  await page.reload();
  await expect(chat.questions).toHaveCount(1);
  await expect(chat.answers).toHaveCount(1);
});
