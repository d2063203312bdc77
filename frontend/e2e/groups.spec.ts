import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { futureAdmin, makeAdmin, newPerson } from "./pages/person";

async function axeClean(page: Page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
}

test("a group shares a budget, binds its members to its models, and stays while somebody is in it", async ({
  page,
  browser,
}) => {
  const kim = newPerson(`Kim ${Date.now()}`);
  const elsewhere = await (await browser.newContext()).newPage();
  await new EntryPage(elsewhere).register(kim);
  const boss = futureAdmin();
  await new EntryPage(page).register(boss);
  makeAdmin(boss);
  const name = `Research ${Date.now()}`;

  await page.goto("/groups");
  await page.getByRole("button", { name: "New group" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Tokens a day, together").fill("plenty");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("A whole number, or nothing.")).toBeVisible();
  await page.getByLabel("Tokens a day, together").fill("90,000");
  await axeClean(page);
  await page.getByRole("button", { name: "Save" }).click();
  const row = page.getByRole("listitem").filter({ hasText: name });
  await expect(row).toContainText("0 people");
  await expect(row).toContainText("0 of 90,000 tokens today");
  await page.getByRole("button", { name: "New group" }).click();
  await page.getByLabel("Name").fill(name.toUpperCase());
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator("#main").getByRole("alert").first()).toContainText("already");
  await page.getByRole("button", { name: "Cancel" }).click();
  await axeClean(page);

  await page.goto("/people");
  await page.getByLabel("Find by name or email").fill(kim.email);
  const person = page.getByRole("listitem").filter({ hasText: kim.email });
  const group = person.getByRole("combobox", { name: `Group of ${kim.name}` });
  await group.selectOption(name);
  await expect(group.locator("option:checked")).toHaveText(name);
  await expect(group).toBeEnabled();
  await page.getByLabel("Find by name or email").fill("");
  await page.getByLabel("In group").selectOption(name);
  await expect(page.locator("ul").first().getByRole("listitem")).toHaveCount(1);
  await axeClean(page);

  const chat = new ChatPage(elsewhere);
  await elsewhere.reload();
  await chat.pickModel("Simulated");
  await chat.ask("Hi");
  await chat.settled();
  await elsewhere.getByRole("button", { name: /Show your limits/ }).click();
  const limits = elsewhere.getByRole("dialog", { name: "Your limits" });
  await expect(limits.getByRole("meter", { name: `Tokens of ${name} today` })).toBeVisible();
  await elsewhere.keyboard.press("Escape");

  await page.goto("/groups");
  await expect(row).toContainText("1 person");
  await expect(row).not.toContainText("0 of 90,000 tokens today");
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete it" }).click();
  await expect(page.locator("#main").getByRole("alert").first()).toContainText("1 person is in this group");

  await page.getByRole("button", { name: `Change ${name}` }).click();
  await page.getByLabel("Only these:").check();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(row).toContainText("No models");
  await elsewhere.reload();
  await expect(elsewhere.getByRole("textbox", { name: "Message" })).toBeVisible();
  await expect(elsewhere.getByRole("button", { name: "Send" })).toBeDisabled();

  await page.goto("/people");
  await page.getByLabel("Find by name or email").fill(kim.email);
  await group.selectOption("No group");
  await expect(group).toBeEnabled();
  await page.goto("/groups");
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete it" }).click();
  await expect(row).toHaveCount(0);
  await elsewhere.context().close();
});
