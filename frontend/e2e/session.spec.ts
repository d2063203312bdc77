import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test("a wrong password is refused in one sentence and the address stays filled in", async ({ page }) => {
  const entry = new EntryPage(page);
  await entry.gotoSignIn();
  await entry.signIn({ email: newPerson().email, password: "certainly not the words" });
  await expect(entry.problem).toBeVisible();
  await expect(entry.problem).toHaveText(/\w+ .*\.$/);
  await expect(entry.email).toHaveValue(/@example\.com$/);
  await expect(page).toHaveURL(/\/sign-in/);
});

test("registering says what is missing before anything is sent", async ({ page }) => {
  const entry = new EntryPage(page);
  let sent = 0;
  page.on("request", (request) => {
    if (request.url().includes("/api/auth/register")) sent += 1;
  });
  await entry.gotoRegister();
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(entry.name).toBeFocused();
  await expect(page.getByText("Name is needed.")).toBeVisible();

  await entry.name.fill("Ada Marsh");
  await entry.email.fill("not an address");
  await entry.password.fill("short");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByText("This does not look like an email address.")).toBeVisible();
  await expect(page.getByText("10 more characters needed.")).toBeVisible();
  expect(sent).toBe(0);
});

test("a person signs out and back in, and finds everything where it was", async ({ page }) => {
  const entry = new EntryPage(page);
  const chat = new ChatPage(page);
  const person = newPerson();
  await entry.register(person);
  await chat.ask("[[echo]] still here tomorrow");
  await expect(chat.answers.first()).toContainText("still here tomorrow");
  await chat.settled();
  const link = new URL(page.url());

  await chat.accountMenu("Sign out");
  await expect(page).toHaveURL(/\/sign-in$/);
  await page.goto(link.pathname + link.search);
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await entry.signIn(person);

  await expect(chat.answers.first()).toContainText("still here tomorrow");
  expect(new URL(page.url()).search).toBe(link.search);
});

test("an expired session is renewed without the person noticing", async ({ page, context }) => {
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  let renewals = 0;
  page.on("request", (request) => {
    if (request.url().endsWith("/api/auth/refresh")) renewals += 1;
  });

  await context.clearCookies({ name: "__Host-headrace_access" });
  await chat.ask("[[echo]] after the break");
  await expect(chat.answers.first()).toContainText("after the break");
  expect(renewals).toBe(1);

  await context.clearCookies();
  await page.reload();
  await expect(page).toHaveURL(/\/sign-in\?next=/);
});

test("scripts can read no token, and none is in the address", async ({ page }) => {
  const entry = new EntryPage(page);
  await entry.register(newPerson());
  const chat = new ChatPage(page);
  await chat.ask("[[echo]] hello");
  await chat.settled();

  const readable = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
  expect(readable).not.toMatch(/eyJ|__Host-|refresh_token|access_token|hr-/);
  expect(page.url()).not.toMatch(/token|eyJ/);
});

test("an API key is shown once, listed, and deleted after asking", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  await new ChatPage(page).accountMenu("Account and API keys");
  await expect(page.getByRole("heading", { name: "API keys" })).toBeVisible();
  await expect(page.getByText("No keys yet.")).toBeVisible();

  await page.getByLabel("Key name").fill("My laptop");
  await page.getByRole("button", { name: "Create key" }).click();
  const secret = page.getByText(/^hr-\S{20,}$/);
  await expect(secret).toBeVisible();
  await page.reload();
  await expect(page.getByRole("listitem").filter({ hasText: "My laptop" })).toBeVisible();
  await expect(secret).toBeHidden();

  await page.getByRole("button", { name: "Replace key My laptop" }).click();
  await expect(secret).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "My laptop" })).toHaveCount(2);
  await page.getByRole("button", { name: "Delete key My laptop" }).first().click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete key" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: "My laptop" })).toHaveCount(1);
  await page.getByRole("button", { name: "Delete key My laptop" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete key" }).click();
  await expect(page.getByText("No keys yet.")).toBeVisible();
});

test("an API key may be bound to what it does and to models", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  await page.goto("/account");
  await page.getByLabel("Key name").fill("Reader");
  await page.getByText("What it may do").click();
  await page.getByLabel("ask models").uncheck();
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText("Choose at least one thing that the key may do.")).toBeVisible();
  await page.getByLabel("read what you used").check();
  await page.getByRole("button", { name: "Create key" }).click();
  const reader = page.getByRole("listitem").filter({ hasText: "Reader" });
  await expect(reader).toContainText("read what you used");

  await page.getByLabel("Key name").fill("Bound");
  await page.getByLabel("Only these:").check();
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText("Choose at least one model, or all of them.")).toBeVisible();
  await page.getByLabel("Simulated").check();
  await page.getByLabel("Requests a minute, at most").fill("often");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText("A whole number from 1 to 1,000,000, or nothing.")).toBeVisible();
  await page.getByLabel("Requests a minute, at most").fill("1,200");
  await page.getByRole("button", { name: "Create key" }).click();
  const bound = page.getByRole("listitem").filter({ hasText: "Bound" });
  await expect(bound).toContainText("Only simulated");
  await expect(bound).toContainText("1,200 requests a minute");
});

test("the theme follows the system until one is chosen, and the choice outlives a reload", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await new EntryPage(page).register(newPerson());
  const root = page.locator("html");
  await expect(root).toHaveAttribute("data-theme", "dark");
  await page.emulateMedia({ colorScheme: "light" });
  await expect(root).toHaveAttribute("data-theme", "light");

  await page.goto("/account");
  await page.getByText("Dark", { exact: true }).click();
  await expect(root).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(root).toHaveAttribute("data-theme", "dark");
});

test("the keyboard is enough: shortcuts, the list of them, and a new chat", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  await chat.composer.fill("[[echo]] by keyboard");
  await chat.composer.press("Enter");
  await chat.settled();
  await expect(page).toHaveURL(/\?c=/);

  await chat.composer.blur();
  await page.keyboard.press("?");
  const list = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(list).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(list).toBeHidden();

  await page.keyboard.press("Control+Shift+O");
  await expect(page).not.toHaveURL(/\?c=/);
  await expect(chat.composer).toBeFocused();
});

test("offline, a bar says so, and a message waits and goes when the connection is back", async ({ page, context }) => {
  await new EntryPage(page).register(newPerson());
  const chat = new ChatPage(page);
  await chat.composer.fill("[[echo]] written in a tunnel");

  await context.setOffline(true);
  await expect(page.getByText("You are offline. Drafts are kept.")).toBeVisible();
  await chat.send.click();
  await expect(page.getByText("Will be sent when you are back online.")).toBeVisible();
  await expect(chat.composer).toHaveValue("[[echo]] written in a tunnel");
  await context.setOffline(false);

  await expect(page.getByText("You are offline. Drafts are kept.")).toBeHidden();
  await expect(chat.answers.first()).toContainText("written in a tunnel");
});
