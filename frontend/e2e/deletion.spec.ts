import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

test("an account is deleted, says so wherever one is, and is kept after all", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  await page.goto("/account");
  await page.getByRole("button", { name: "Delete my account" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete it" }).click();
  const notice = page.getByText(/Your account will be erased on/);
  await expect(notice).toBeVisible();
  await expect(page.getByRole("button", { name: "Delete my account" })).toHaveCount(0);
  await page.goto("/");
  await expect(notice).toBeVisible();
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await page.reload();
  await page.getByRole("button", { name: "Keep my account" }).click();
  await expect(notice).toHaveCount(0);
  await page.goto("/account");
  await expect(page.getByRole("button", { name: "Delete my account" })).toBeVisible();
});
