import { readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { codeAt, STEP_MS } from "../mock/totp.mjs";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { Mailbox } from "./pages/mailbox";
import { newPerson } from "./pages/person";

async function axeClean(page: Page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
}

const NEW_PASSWORD = "quiet herons over the old mill";

test("a forgotten password is set anew by mail, and the link works once", async ({ page, request }) => {
  const entry = new EntryPage(page);
  const person = newPerson();
  await entry.register(person);
  await new ChatPage(page).accountMenu("Sign out");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await entry.email.fill("not an address");
  await page.getByRole("button", { name: "Send the mail" }).click();
  await expect(page.getByText("This does not look like an email address.")).toBeVisible();
  await entry.email.fill(person.email);
  await page.getByRole("button", { name: "Send the mail" }).click();
  await expect(page.getByText("If this address has an account, a mail is on its way.")).toBeVisible();
  await axeClean(page);

  const link = await new Mailbox(request, person.email).link("Set a new password");
  await page.goto(link);
  await page.getByLabel("New password", { exact: true }).fill("short");
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByText("3 more characters needed.")).toBeVisible();
  await page.getByLabel("New password", { exact: true }).fill(NEW_PASSWORD);
  await axeClean(page);
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByText("Your password is set")).toBeVisible();
  expect(page.url()).not.toContain("#");

  await page.goto("/sign-in");
  await page.goto(link);
  await page.getByLabel("New password", { exact: true }).fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(entry.problem).toBeVisible();
  await expect(page.getByRole("link", { name: "Ask for another link" })).toBeVisible();

  await entry.gotoSignIn();
  await entry.signIn({ ...person, password: NEW_PASSWORD });
  await expect(page.getByRole("textbox", { name: "Message" })).toBeVisible();
});

test("a mail confirms the address, and another one moves the account to a new address", async ({ page, request }) => {
  const entry = new EntryPage(page);
  const person = newPerson();
  await entry.register(person);
  await page.goto("/account");
  await expect(page.getByText("Not confirmed yet")).toBeVisible();
  await page.goto(await new Mailbox(request, person.email).link("Confirm your email address"));
  await axeClean(page);
  await page.getByRole("button", { name: "Confirm this address" }).click();
  await expect(page.getByText(`${person.email} is confirmed.`)).toBeVisible();
  await page.goto("/verify");
  await expect(page.getByText("This page needs the link of a mail.")).toBeVisible();

  await page.goto("/account");
  await expect(page.getByText("Confirmed", { exact: true })).toBeVisible();
  const { email } = newPerson();
  await page.getByLabel("New email").fill(email);
  await page.getByRole("button", { name: "Change email" }).click();
  await expect(page.getByText(`Open the link in the mail to ${email}.`)).toBeVisible();
  await page.goto(await new Mailbox(request, email).link("Confirm your new email address"));
  await page.getByRole("button", { name: "Confirm this address" }).click();
  await expect(page.getByText(`${email} is confirmed.`)).toBeVisible();
  await page.goto("/account");
  await expect(page.locator("#main").getByText(email)).toBeVisible();
});

test("a picture is chosen, shown everywhere, and removed", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  await page.goto("/account");
  const picture = page.getByLabel("Your picture");
  await picture.setInputFiles({ name: "note.png", mimeType: "image/png", buffer: Buffer.from("not a picture") });
  await expect(page.locator("#main").getByRole("alert").first()).toContainText("This is no PNG, JPEG, WebP or GIF picture.");
  // Eight by eight pixels of one colour.
  const png =
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGPkSmliwAaYsIoOWgkAwDABAL46hw0AAAAASUVORK5CYII=";
  await picture.setInputFiles({ name: "me.png", mimeType: "image/png", buffer: Buffer.from(png, "base64") });
  const shown = page.locator('img[src^="/api/auth/me/picture"]');
  await expect(shown).toHaveCount(2);
  for (const image of await shown.all())
    await expect.poll(() => image.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBeGreaterThan(0);
  await axeClean(page);
  await page.reload();
  await expect(shown).toHaveCount(2);
  await page.getByRole("button", { name: "Remove it" }).click();
  await expect(shown).toHaveCount(0);
});

test("the profile is changed and stays so", async ({ page }) => {
  await new EntryPage(page).register(newPerson());
  await page.goto("/account");
  await page.getByLabel("Name", { exact: true }).fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Name is needed.")).toBeVisible();
  await page.getByLabel("Name", { exact: true }).fill("Ada of the Weir");
  await page.getByLabel("Time zone").selectOption("Europe/Berlin");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved.")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Ada of the Weir");
  await expect(page.getByLabel("Time zone")).toHaveValue("Europe/Berlin");
  await axeClean(page);
  const coming = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download everything" }).click();
  const download = await coming;
  expect(download.suggestedFilename()).toBe("headrace-account.json");
  expect(readFileSync(await download.path(), "utf8")).toContain("Ada of the Weir");
});

test("a second factor is set up, asked for at the door, and removed", async ({ page }) => {
  test.setTimeout(150_000);
  const entry = new EntryPage(page);
  const person = newPerson();
  await entry.register(person);
  await page.goto("/account/security");
  await expect(page.getByText("No second factor yet.")).toBeVisible();
  await page.getByRole("button", { name: "Set up an app" }).click();
  const dialog = page.getByRole("dialog", { name: "Set up an authenticator app" });
  const secret = await dialog.locator("code").innerText();
  await axeClean(page);
  await dialog.getByLabel("Code of the app").fill("000000");
  await dialog.getByRole("button", { name: "Turn it on" }).click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  const first = codeAt(secret);
  await dialog.getByLabel("Code of the app").fill(first);
  await dialog.getByRole("button", { name: "Turn it on" }).click();
  const codes = page.getByRole("region", { name: "Your recovery codes" });
  await expect(codes.getByRole("listitem")).toHaveCount(10);
  const recovery = await codes.getByRole("listitem").first().innerText();
  await axeClean(page);
  await page.getByRole("button", { name: "I have kept them" }).click();
  await expect(page.getByText("10 recovery codes left")).toBeVisible();

  await new ChatPage(page).accountMenu("Sign out");
  await entry.signIn(person);
  await expect(page.getByRole("heading", { name: "One more step" })).toBeVisible();
  await axeClean(page);
  await page.getByLabel("Code", { exact: true }).fill("123");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(entry.problem).toBeVisible();
  // A code is taken once: the next one comes with the next half minute, or is the next one already.
  await page.getByLabel("Code", { exact: true }).fill(codeAt(secret, Date.now() + STEP_MS));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("textbox", { name: "Message" })).toBeVisible();

  await new ChatPage(page).accountMenu("Sign out");
  await entry.signIn(person);
  await page.getByLabel("Code", { exact: true }).fill(recovery);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("textbox", { name: "Message" })).toBeVisible();
  await page.goto("/account/security");
  await expect(page.getByText("9 recovery codes left")).toBeVisible();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Remove it" }).click();
  await expect(page.getByText("No second factor yet.")).toBeVisible();
});

test("whoever adds a second factor is offered to end the sessions that were opened without it", async ({ page, browser }) => {
  const person = newPerson();
  await new EntryPage(page).register(person);
  const elsewhere = await (await browser.newContext()).newPage();
  await new EntryPage(elsewhere).gotoSignIn();
  await new EntryPage(elsewhere).signIn(person);
  await expect(elsewhere.getByRole("textbox", { name: "Message" })).toBeVisible();

  await page.goto("/account/security");
  const offer = page.getByRole("status").filter({ hasText: "Other devices are still signed in without it." });
  await page.getByRole("button", { name: "Set up an app" }).click();
  const dialog = page.getByRole("dialog", { name: "Set up an authenticator app" });
  const secret = await dialog.locator("code").innerText();
  await expect(offer).toHaveCount(0);
  await dialog.getByLabel("Code of the app").fill(codeAt(secret));
  await dialog.getByRole("button", { name: "Turn it on" }).click();
  await axeClean(page);
  await offer.getByRole("button", { name: "Sign out everywhere else" }).click();
  await expect(page.getByRole("status").filter({ hasText: "1 session ended." })).toBeVisible();
  await elsewhere.reload();
  await expect(elsewhere).toHaveURL(/\/sign-in/);
  await elsewhere.context().close();
});

test("what needs a fresh proof asks for it, and goes on with it", async ({ page }) => {
  const person = newPerson();
  await new EntryPage(page).register(person);
  await page.goto("/account/security");
  let stale = true;
  await page.route("**/api/auth/second-factor/totp", async (route) => {
    if (!stale) return route.fallback();
    const body = { type: "/docs/errors#step_up_required", title: "x", status: 403, code: "step_up_required", detail: "x", retry: false };
    await route.fulfill({ status: 403, contentType: "application/problem+json", body: JSON.stringify(body) });
  });
  await page.getByRole("button", { name: "Set up an app" }).click();
  const dialog = page.getByRole("dialog", { name: "Is it you?" });
  await expect(dialog).toBeVisible();
  await axeClean(page);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("main").getByRole("alert")).toHaveCount(0);

  await page.getByRole("button", { name: "Set up an app" }).click();
  await dialog.getByLabel("Password", { exact: true }).fill("not the right words");
  await dialog.getByRole("button", { name: "Go on" }).click();
  await expect(dialog.getByRole("alert")).toContainText("not right");
  stale = false;
  await dialog.getByLabel("Password", { exact: true }).fill(person.password);
  await dialog.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByRole("dialog", { name: "Set up an authenticator app" })).toBeVisible();
});

test("one sees where one is signed in and ends the other session; a new password ends the rest", async ({ page, browser }) => {
  const entry = new EntryPage(page);
  const person = newPerson();
  await entry.register(person);
  const elsewhere = await (await browser.newContext()).newPage();
  await new EntryPage(elsewhere).gotoSignIn();
  await new EntryPage(elsewhere).signIn(person);
  await expect(elsewhere.getByRole("textbox", { name: "Message" })).toBeVisible();

  await page.goto("/account/security");
  await expect(page.getByText("This one")).toBeVisible();
  await axeClean(page);
  const others = page.getByRole("button", { name: /^Sign out Chrome/ });
  await expect(others).toHaveCount(1);
  await others.click();
  await expect(others).toHaveCount(0);
  await elsewhere.reload();
  await expect(elsewhere).toHaveURL(/\/sign-in/);

  await new EntryPage(elsewhere).signIn(person);
  await expect(elsewhere.getByRole("textbox", { name: "Message" })).toBeVisible();
  await page.getByLabel("Current password", { exact: true }).fill("not the right words");
  await page.getByLabel("New password", { exact: true }).fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("The password is not right.")).toBeVisible();
  await page.getByLabel("Current password", { exact: true }).fill(person.password);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("Your password is changed, and another session ended.")).toBeVisible();
  await elsewhere.context().close();
});
