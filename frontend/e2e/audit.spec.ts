import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { EntryPage } from "./pages/entry-page";
import { futureAdmin, makeAdmin, newPerson } from "./pages/person";

test("the audit log is for administrators: others see no way to it, and get a sentence there", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  await page.goto("/account");
  await expect(page.getByRole("navigation", { name: "Account pages" }).getByRole("link")).toHaveCount(2);
  await page.goto("/audit");
  await expect(page.locator("#main").getByRole("alert")).toContainText("The audit log did not load.");
});

test("an administrator looks through the audit log and has it verified", async ({ page }) => {
  const entry = new EntryPage(page);
  const boss = futureAdmin();
  await entry.gotoSignIn();
  await entry.signIn({ email: boss.email, password: "not the right words" });
  await expect(entry.problem).toBeVisible();
  await entry.register(boss);
  makeAdmin(boss);
  await page.goto("/account");
  await page.getByRole("link", { name: "Audit log" }).click();
  const rows = page.getByRole("row");
  await expect(rows.filter({ hasText: "account.registered" }).first()).toBeVisible();
  await page.getByLabel("Outcome").selectOption("Refused");
  await expect(rows.filter({ hasText: "account.registered" })).toHaveCount(0);
  await expect(rows.filter({ hasText: "Refused" }).first()).toBeVisible();
  await page.getByLabel("Action").fill("no.such.thing");
  await expect(page.getByText("No event fits.")).toBeVisible();
  await page.getByLabel("Action").fill("");
  await page.getByLabel("Outcome").selectOption("All");
  await page.getByRole("button", { name: "Verify the log" }).click();
  await expect(page.getByText("nothing was changed.")).toBeVisible();
  await expect(rows.filter({ hasText: "audit.verified" }).first()).toBeVisible();
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);

  await page.route("**/api/admin/audit/verify", (route) =>
    route.fulfill({ json: { events: 7, anchors: 2, fault: "Event 3 was changed.", at_number: 3 } }),
  );
  await page.getByRole("button", { name: "Verify the log" }).click();
  await expect(page.locator("#main").getByRole("alert")).toContainText("Event 3 was changed.");
});
