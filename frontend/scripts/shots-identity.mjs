/** The pictures of the pages about who one is; `page` is signed in. */
import { codeAt } from "../mock/totp.mjs";

export async function identityTour(page, shot) {
  await page.goto("/account/security");
  await page.getByText("No second factor yet.").waitFor();
  await shot("security");
  await page.getByRole("button", { name: "Set up an app" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Code of the app").waitFor();
  await shot("security-enrol");
  const secret = await dialog.locator("code").innerText();
  await dialog.getByLabel("Code of the app").fill("000000");
  await dialog.getByRole("button", { name: "Turn it on" }).click();
  await dialog.getByRole("alert").waitFor();
  await shot("security-enrol-wrong");
  await dialog.getByLabel("Code of the app").fill(codeAt(secret));
  await dialog.getByRole("button", { name: "Turn it on" }).click();
  await page.getByText("Your recovery codes").waitFor();
  await shot("security-codes");
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByRole("alertdialog").waitFor();
  await shot("security-remove");
  await page.getByRole("button", { name: "Cancel" }).click();
  for (const [path, name] of [
    ["/verify", "verify-no-link"],
    ["/verify#used", "verify"],
    ["/reset-password#used", "reset"],
    ["/forgotten-password", "forgotten"],
  ]) {
    await page.goto("about:blank");
    await page.goto(path);
    await page.getByRole("heading").first().waitFor();
    await shot(name);
  }
  await page.getByLabel("Email").fill("ada@example.com");
  await page.getByRole("button", { name: "Send the mail" }).click();
  await page.getByText("a mail is on its way.").waitFor();
  await shot("forgotten-sent");
}

/** What only an administrator sees: the stand-in gives the role away for an address. */
export async function auditTour(page, shot, narrow) {
  await page.goto("/register");
  await page.getByLabel("Name").fill("Ada Marsh");
  await page.getByLabel("Email").fill(`admin-${Date.now()}@example.com`);
  await page.getByLabel("Password", { exact: true }).fill(`heron mill weir ${Date.now()}`);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  await peopleTour(page, shot);
  await page.goto("/audit");
  await page.getByRole("row").nth(2).waitFor();
  await page.getByRole("button", { name: "Verify the log" }).click();
  await page.getByText("nothing was changed").waitFor();
  await shot("audit");
  if (narrow) return;
  await page.getByLabel("Action").fill("nothing.like.it");
  await page.getByText("No event fits.").waitFor();
  await shot("audit-empty");
}

/** People and groups; `page` is an administrator's. */
async function peopleTour(page, shot) {
  const name = `Research ${Date.now()}`;
  await page.goto("/groups");
  await page.getByText("No groups yet.").or(page.getByRole("listitem").first()).waitFor();
  await shot("groups");
  await page.getByRole("button", { name: "New group" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Tokens a day, together").fill("plenty");
  await page.getByLabel("Only these:").check();
  await page.getByLabel("Simulated").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("A whole number, or nothing.").waitFor();
  await shot("groups-new");
  await page.getByLabel("Tokens a day, together").fill("90,000");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("0 of 90,000 tokens today").first().waitFor();
  await shot("groups-made");
  await page.goto("/people");
  const group = page.getByRole("combobox", { name: "Group of Ada Marsh" }).first();
  await group.selectOption(name);
  await page.waitForTimeout(500);
  await shot("people");
  await page.goto("/account");
  await page.getByText("What it may do").click();
  await page.getByText("Models it may ask").waitFor();
  await page.getByText("What it may do").scrollIntoViewIfNeeded();
  await shot("account-key");
  await page.getByRole("button", { name: "Delete my account" }).click();
  await page.getByRole("alertdialog").waitFor();
  await shot("account-delete");
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete it" }).click();
  await page.getByText(/will be erased on/).waitFor();
  await page.goto("/");
  await page.getByRole("button", { name: "Keep my account" }).waitFor();
  await shot("chat-deleted");
  await page.getByRole("button", { name: "Keep my account" }).click();
  await page.getByText(/will be erased on/).waitFor({ state: "detached" });
}
