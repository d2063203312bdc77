import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

/** A house with one provider, which sends the browser straight back to `lands`. What a provider does is tested there. */
async function withProvider(page: Page, lands: string) {
  await page.route("**/api/auth/oauth/providers", (route) =>
    route.fulfill({ json: { items: [{ id: "company", title: "The company" }] } }),
  );
  await page.route("**/api/auth/oauth/company/*", (route) => route.fulfill({ json: { url: lands } }));
}

test("a refused account elsewhere is explained, and the password still works", async ({ page }) => {
  const person = newPerson();
  await new EntryPage(page).register(person);
  await page.context().clearCookies();
  await withProvider(page, "/sign-in#problem=sign_in_refused");
  const entry = new EntryPage(page);
  await entry.gotoSignIn();
  const asked = page.waitForRequest("**/oauth/company/begin");
  await page.getByRole("button", { name: "Sign in with The company" }).click();
  expect((await asked).postDataJSON()).toEqual({ next: "/" });
  await expect(entry.problem).toContainText("does not open one here");
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await entry.signIn(person);
  await expect(page.getByRole("textbox", { name: "Message" })).toBeVisible();
});

test("whoever comes back with a second step to take is asked for it", async ({ page }) => {
  await page.goto(`/sign-in#step=${"a".repeat(43)}.code`);
  await expect(page.getByRole("heading", { name: "One more step" })).toBeVisible();
  await page.getByLabel("Code", { exact: true }).fill("123456");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(new EntryPage(page).problem).toBeVisible();
  await page.getByRole("button", { name: "Begin again" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect(page.url()).not.toContain("#");
});

test("an account elsewhere that cannot be added is explained where it was wanted", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  await withProvider(page, "/account/security#problem=sign_in_refused");
  await page.route("**/api/auth/oauth/identities", (route) => route.fulfill({ json: { items: [] } }));
  await page.goto("/account/security");
  await page.getByRole("button", { name: "Add The company" }).click();
  await expect(page.getByText("This account elsewhere was not added")).toBeVisible();
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
});

test("an account elsewhere is added from the security page, and one that is there is removed", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  await page.goto("/account/security");
  await expect(page.getByText("No other place is set up here.")).toBeVisible();

  await withProvider(page, "/account/security");
  let linked = false;
  await page.route("**/api/auth/oauth/identities", (route) =>
    route.fulfill({
      json: { items: linked ? [{ id: "idn_1", provider: "company", email: "kim@example.com", created_at: new Date().toISOString(), last_used_at: null }] : [] },
    }),
  );
  await page.route("**/api/auth/oauth/identities/idn_1", (route) => {
    linked = false;
    return route.fulfill({ status: 204 });
  });
  await page.reload();
  linked = true;
  await page.getByRole("button", { name: "Add The company" }).click();
  await expect(page.getByText("kim@example.com")).toBeVisible();
  await page.getByRole("button", { name: "Remove The company" }).click();
  await expect(page.getByText("kim@example.com")).toBeHidden();
});
