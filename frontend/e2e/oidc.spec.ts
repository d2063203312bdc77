import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

// Not tests that are skipped: they are there where a provider is, which knows one person, of this address.
const address = process.env["HEADRACE_E2E_OIDC"];
if (address !== undefined) {
  const use = "Sign in with The company";

  test("somebody new comes in with an account elsewhere, and finds everything there the next time", async ({ page }) => {
    await page.goto("/sign-in");
    await page.getByRole("button", { name: use }).click();
    await expect(page.getByRole("textbox", { name: "Message" })).toBeVisible();
    expect(page.url()).not.toMatch(/code|state|#/);
    const chat = new ChatPage(page);
    await chat.pickModel("Simulated");
    await chat.ask("[[echo]]through another door");
    await chat.settled();
    const there = page.url();

    await page.goto("/account");
    await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Kim Park");
    await expect(page.locator("#main").getByText(address)).toBeVisible();
    await page.goto("/account/security");
    await expect(page.getByText("The company", { exact: true })).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
    await page.getByRole("button", { name: "Remove The company" }).click();
    await expect(page.locator("#main").getByRole("alert").first()).toContainText("your only way in");

    await chat.accountMenu("Sign out");
    await page.getByRole("button", { name: use }).click();
    await expect(page.getByRole("textbox", { name: "Message" })).toBeVisible();
    await page.goto(there);
    await expect(chat.answers.first()).toContainText("through another door");
  });

  test("an account elsewhere that opens another one here is not added, and nobody is signed out", async ({ page }) => {
    const person = newPerson("Mia Weir");
    await new EntryPage(page).register(person);
    await page.goto("/account/security");
    await page.getByRole("button", { name: "Add The company" }).click();
    await expect(page.getByText("This account elsewhere was not added")).toBeVisible();
    await page.goto("/account");
    await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Mia Weir");
  });
}
