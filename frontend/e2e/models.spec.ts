import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Locator, type Page } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { futureAdmin, makeAdmin, newPerson } from "./pages/person";

// A replica takes a while to start on a small machine.
const STARTS = { timeout: 120_000 };

async function axeClean(page: Page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
}

const rowOf = (card: Locator, revision: string) => card.getByRole("listitem", { name: revision, exact: true });

test("an operator deploys, compares, evaluates, splits, promotes and rolls back while a chat streams in another window", async ({ page, browser }) => {
  test.setTimeout(400_000);
  const elsewhere = await (await browser.newContext()).newPage();
  await new EntryPage(elsewhere).register(newPerson(`Kim ${Date.now()}`));
  const boss = futureAdmin();
  await new EntryPage(page).register(boss);
  makeAdmin(boss);
  const words = Array.from({ length: 300 }, (_, index) => `w${index}`).join(" ");
  const chat = new ChatPage(elsewhere);
  await chat.pickModel("Simulated");

  await page.goto("/models");
  const card = page.getByRole("article", { name: "simulated", exact: true });
  await expect(card.getByRole("img", { name: /r1 100%/ })).toBeVisible();
  await expect(rowOf(card, "r1")).toContainText("Ready");
  await axeClean(page);

  // A new revision, like the old one but for its name.
  const name = `t${Date.now()}`;
  await card.getByRole("button", { name: "More about r1" }).click();
  await page.getByRole("menuitem", { name: "New revision like r1" }).click();
  const form = page.getByRole("form", { name: "A new revision" });
  const specification = form.getByLabel("Specification");
  const spec = JSON.parse(await specification.inputValue()) as Record<string, unknown>;
  expect(spec["revision"]).not.toBe("r1");
  await specification.fill("{ no json");
  await form.getByRole("button", { name: "Add it" }).click();
  await expect(form.getByText(/^This is not JSON/)).toBeVisible();
  await specification.fill(JSON.stringify({ ...spec, revision: name, engine: undefined }));
  await form.getByRole("button", { name: "Add it" }).click();
  await expect(form.getByRole("alert")).toContainText("engine");
  await specification.fill(JSON.stringify({ ...spec, revision: name }));
  await axeClean(page);
  await form.getByRole("button", { name: "Add it" }).click();
  const row = rowOf(card, name);
  await expect(row).toContainText("Added");

  await row.getByRole("button", { name: "Deploy" }).click();
  await expect(row).toContainText("Ready", STARTS);
  await expect(card.getByRole("img", { name: /r1 100%/ })).toBeVisible();

  // Side by side on one's own prompt; which is which is told with the vote.
  await card.getByRole("button", { name: "Compare" }).click();
  const comparison = card.getByRole("region", { name: "Two revisions side by side" });
  await comparison.getByLabel("Your prompt").fill("[[fail]]");
  await comparison.getByRole("button", { name: "Ask both" }).click();
  await expect(comparison.getByText("A vote needs both answers.")).toBeVisible();
  await expect(comparison.getByRole("alert")).toHaveCount(2);
  await comparison.getByLabel("Your prompt").fill("[[echo]]Which is better?");
  await comparison.getByLabel("The other").selectOption("r1");
  await comparison.getByLabel("One revision").selectOption("r1");
  await comparison.getByRole("button", { name: "Ask again" }).click();
  await expect(comparison.getByText("Choose two different revisions.")).toBeVisible();
  await comparison.getByLabel("The other").selectOption(name);
  await comparison.getByRole("button", { name: "Ask again" }).click();
  for (const answer of ["Answer A", "Answer B"]) {
    await expect(comparison.getByRole("region", { name: answer, exact: true })).toContainText("Which is better?");
  }
  const better = comparison.getByRole("group", { name: "Which answer is better?" });
  await expect(better).toBeVisible();
  await expect(comparison.getByRole("heading", { name: "Answer A" })).toHaveText("Answer A");
  await axeClean(page);
  await better.getByRole("button", { name: "Both are good" }).click();
  await expect(comparison.getByRole("status")).toHaveText(new RegExp(`^1 vote: .*both good 1`));
  await expect(comparison.getByText(name, { exact: true }).last()).toBeVisible();
  await axeClean(page);
  await comparison.getByRole("button", { name: "Close" }).click();

  // A set of prompts that it has to pass.
  const sets = page.getByRole("region", { name: "Evaluation sets" });
  await sets.getByRole("button", { name: "New set" }).click();
  const set = sets.getByRole("form", { name: "An evaluation set" });
  await set.getByLabel("Name").fill(`set-${name}`);
  await set.getByLabel("Cases").fill(JSON.stringify({ cases: [] }));
  await set.getByRole("button", { name: "Save" }).click();
  await expect(set.getByRole("alert")).toContainText("cases");
  const one = { prompt: "[[echo]]It works", check: { kind: "contains", text: "works" } };
  await set.getByLabel("Cases").fill(JSON.stringify({ cases: [one] }));
  await axeClean(page);
  await set.getByRole("button", { name: "Save" }).click();
  const kept = sets.getByRole("listitem", { name: `set-${name}` });
  await expect(kept).toContainText("1 case, 100% have to pass");
  await kept.getByRole("combobox").selectOption(`simulated@${name}`);
  await kept.getByRole("button", { name: "Evaluate" }).click();
  await expect(kept.getByRole("status")).toContainText(`simulated ${name}: passed.`, STARTS);
  await axeClean(page);

  // It is asked again what people ask, and nobody sees its answers but whoever looks after models.
  await card.getByText("Shadow: nobody is asked again").click();
  const shadow = card.getByRole("form", { name: "The shadow" });
  await expect(card.getByText("Nothing was copied in the last week.")).toBeVisible();
  await shadow.getByLabel("Revision").selectOption(name);
  await shadow.getByLabel("Percent of the requests").fill("0");
  await shadow.getByRole("button", { name: "Apply" }).click();
  await expect(shadow.getByText("A whole number from 1 to 100.")).toBeVisible();
  await shadow.getByLabel("Percent of the requests").fill("100");
  await shadow.getByLabel(/^Keep the texts/).check();
  await shadow.getByRole("button", { name: "Apply" }).click();
  await expect(card.getByText(`Shadow: ${name} is asked again, 100% of the requests`)).toBeVisible();
  // Each gateway learns of a decision within a second.
  await page.waitForTimeout(2_500);
  await chat.ask("[[echo]]Both say the same");
  await expect(chat.answers.last()).toContainText("Both say the same");
  await expect(chat.answers).toHaveCount(1);
  await expect(card.getByRole("group", { name: `r1 and its shadow ${name}` })).toBeVisible(STARTS);
  await card.getByText("The newest copy").click();
  await expect(card.getByText("Both say the same", { exact: true })).toHaveCount(2);
  await axeClean(page);
  await shadow.getByLabel("Revision").selectOption("nobody");
  await shadow.getByRole("button", { name: "Apply" }).click();
  await expect(card.getByText("Shadow: nobody is asked again")).toBeVisible();

  await card.getByRole("button", { name: "Split" }).click();
  const shares = card.getByRole("form", { name: "Shares of the traffic" });
  await card.getByLabel("Weight of r1").fill("many");
  await shares.getByRole("button", { name: "Apply" }).click();
  await expect(card.getByText("A whole number from 0 to 100.")).toBeVisible();
  await card.getByLabel("Weight of r1").fill("75");
  await card.getByLabel(`Weight of ${name}`).fill("25");
  await shares.getByRole("button", { name: "Apply" }).click();
  await expect(card.getByRole("img", { name: new RegExp(`${name} 25%`) })).toBeVisible();

  // From here on an answer is being written, through all that follows.
  await chat.ask(`[[slow]] [[echo]]${words}`);
  await expect(chat.answers.last()).toContainText("w3");

  await row.getByRole("button", { name: "Promote" }).click();
  const plan = card.getByRole("form", { name: `Promote ${name}` });
  await plan.getByLabel("Steps, in percent").fill("50, 20");
  await plan.getByRole("button", { name: "Start" }).click();
  await expect(plan.getByText(/^Rising percents/)).toBeVisible();
  await plan.getByLabel("Steps, in percent").fill("50, 100");
  await plan.getByLabel("Seconds a step lasts at least").fill("60");
  await plan.getByLabel("Requests judged in a step").fill("0");
  await axeClean(page);
  await plan.getByRole("button", { name: "Start" }).click();
  const promotion = card.getByRole("region", { name: `Promotion of ${name}` });
  await expect(promotion.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "50", STARTS);
  await expect(row.getByRole("button", { name: "Promote" })).toBeDisabled();
  await axeClean(page);
  await promotion.getByRole("button", { name: "Roll back" }).click();
  await expect(promotion).toHaveCount(0);
  await expect(card.getByRole("img", { name: new RegExp(`${name} 25%`) })).toBeVisible();

  await row.getByRole("button", { name: "Promote" }).click();
  await plan.getByLabel("Steps, in percent").fill("100");
  await plan.getByLabel("Has to pass first").selectOption(`set-${name}`);
  await plan.getByLabel("Seconds a step lasts at least").fill("0");
  await plan.getByLabel("Requests judged in a step").fill("0");
  await plan.getByRole("button", { name: "Start" }).click();
  await expect(card.getByRole("img", { name: new RegExp(`${name} 100%`) })).toBeVisible(STARTS);

  await expect(chat.answers.last()).toContainText("w299", STARTS);
  await chat.settled();
  await expect(chat.answers.last().getByRole("alert")).toHaveCount(0);
  await expect(promotion).toHaveCount(0, STARTS);
  await card.getByText(/^\d+ promotions$/).click();
  await expect(card.getByText(/finished by the old revision, 0 lost/).first()).toBeVisible();
  // What it had to pass can be asked once more, as it was then.
  await expect(card.getByText(`It had to pass set-${name}.`)).toBeVisible();
  await card.getByRole("button", { name: "Evaluate again" }).click();
  await expect(card.getByText(`simulated ${name}: passed.`)).toBeVisible(STARTS);
  await axeClean(page);

  // Back to what was there before; and whoever asks now is answered by it.
  await card.getByRole("button", { name: "Undo the last promotion" }).click();
  await expect(card.getByRole("img", { name: /r1 100%/ })).toBeVisible(STARTS);
  await expect(card.getByRole("region", { name: "Promotion of r1" })).toHaveCount(0, STARTS);
  await expect(row).toHaveCount(0);
  await chat.ask("[[echo]]And now?");
  await expect(chat.answers.last()).toContainText("And now?");
  await chat.settled();
  await elsewhere.context().close();
});

test("what a model lacks is said, and its log can be read", async ({ page }) => {
  const boss = futureAdmin();
  await new EntryPage(page).register(boss);
  makeAdmin(boss);
  await page.goto("/models");
  const card = page.getByRole("article", { name: "simulated", exact: true });
  await card.getByRole("button", { name: "More about r1" }).click();
  await page.getByRole("menuitem", { name: "Log" }).click();
  const log = page.getByRole("dialog", { name: "Log of simulated r1" });
  await expect(log.locator("pre")).toContainText("replica_simulated--r1");
  await page.keyboard.press("Escape");
  await card.getByRole("button", { name: "More about r1" }).click();
  await page.getByRole("menuitem", { name: "Retire" }).click();
  const asked = page.getByRole("alertdialog");
  await expect(asked).toContainText("nobody will answer for simulated any more");
  await asked.getByRole("button", { name: "Cancel" }).click();
  await expect(card.getByRole("img", { name: /r1 100%/ })).toBeVisible();
});

test("somebody who looks after nothing does not see the page of models", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  await page.goto("/account");
  await expect(page.getByRole("link", { name: "Profile" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Models" })).toHaveCount(0);
  await page.goto("/models");
  await expect(page.locator("#main").getByRole("alert").first()).toContainText("This is for operators.");
});
