import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { EntryPage } from "./pages/entry-page";
import { futureAdmin, makeAdmin, newPerson } from "./pages/person";

test("an administrator finds somebody, raises them, disables them, and enables them again", async ({ page, browser }) => {
  const kim = newPerson(`Kim ${Date.now()}`);
  const elsewhere = await (await browser.newContext()).newPage();
  await new EntryPage(elsewhere).register(kim);
  const boss = futureAdmin();
  await new EntryPage(page).register(boss);
  makeAdmin(boss);

  await page.goto("/people");
  await page.getByLabel("Find by name or email").fill("nobody is called so");
  await expect(page.getByText("Nobody fits.")).toBeVisible();
  await page.getByLabel("Find by name or email").fill(kim.email);
  const row = page.getByRole("listitem").filter({ hasText: kim.email });
  await expect(row).toContainText("1 session");
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);

  const role = row.getByRole("combobox", { name: `Role of ${kim.name}` });
  await role.selectOption("Administrator");
  await expect(role).toHaveValue("admin");
  await expect(role).toBeEnabled();
  await elsewhere.goto("/people");
  await expect(elsewhere.getByRole("heading", { name: "Invite somebody" })).toBeVisible();
  await expect(elsewhere.getByRole("listitem").filter({ hasText: kim.email })).toContainText("You");

  await row.getByRole("button", { name: `Actions for ${kim.name}` }).click();
  await page.getByRole("menuitem", { name: "Disable account" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Disable it" }).click();
  await expect(row).toContainText("Disabled");
  await elsewhere.reload();
  await expect(elsewhere).toHaveURL(/\/sign-in/);
  await new EntryPage(elsewhere).signIn(kim);
  await expect(new EntryPage(elsewhere).problem).toBeVisible();

  await row.getByRole("button", { name: `Actions for ${kim.name}` }).click();
  await page.getByRole("menuitem", { name: "Enable account" }).click();
  await expect(row).not.toContainText("Disabled");
  await role.selectOption("Member");
  await expect(role).toHaveValue("user");
  await new EntryPage(elsewhere).signIn(kim);
  await expect(elsewhere).toHaveURL(/\/people/);
  await expect(elsewhere.locator("#main").getByRole("alert").first()).toContainText("did not load");

  await row.getByRole("button", { name: `Actions for ${kim.name}` }).click();
  await page.getByRole("menuitem", { name: "Delete account" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete it" }).click();
  await expect(row).toContainText("Will be erased on");
  await expect(row).toContainText("Disabled");
  await elsewhere.reload();
  await expect(elsewhere).toHaveURL(/\/sign-in/);
  await row.getByRole("button", { name: `Actions for ${kim.name}` }).click();
  await page.getByRole("menuitem", { name: "Keep account" }).click();
  await expect(row).not.toContainText("Will be erased on");
  await elsewhere.context().close();
});

test("an invitation is a link that lets one person in, with a role", async ({ page, browser }) => {
  const boss = futureAdmin();
  await new EntryPage(page).register(boss);
  makeAdmin(boss);
  await page.goto("/people");
  await page.getByLabel("Email (optional)").fill("not an address");
  await page.getByRole("button", { name: "Make a link" }).click();
  await expect(page.getByText("This does not look like an email address.")).toBeVisible();
  const invited = newPerson("Cy Penstock");
  await page.getByLabel("Email (optional)").fill(invited.email);
  await page.locator("select[name=role]").selectOption("Operator");
  await page.getByRole("button", { name: "Make a link" }).click();
  const ready = page.getByRole("region", { name: "The invitation is ready" });
  const link = new URL(await ready.locator("code").innerText());
  const open = page.getByRole("list", { name: "Open invitations" }).getByRole("listitem");
  await expect(open.filter({ hasText: invited.email })).toContainText("Operator");

  const elsewhere = await (await browser.newContext()).newPage();
  await elsewhere.goto(link.pathname + link.hash);
  const entry = new EntryPage(elsewhere);
  await entry.name.fill(invited.name);
  await entry.email.fill(invited.email);
  await entry.password.fill(invited.password);
  await elsewhere.getByRole("button", { name: "Create account" }).click();
  await expect(elsewhere.getByRole("textbox", { name: "Message" })).toBeVisible();
  await elsewhere.goto("/account");
  await expect(elsewhere.getByText("Operator since")).toBeVisible();
  await page.reload();
  await expect(open.filter({ hasText: invited.email })).toHaveCount(0);
  await elsewhere.context().close();
});
