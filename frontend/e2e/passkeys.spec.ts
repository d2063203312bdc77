import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

/** A device that makes passkeys, whose owner says yes to everything until `agrees` is called with false. */
async function deviceOf(page: Page) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    agrees: (verified: boolean) =>
      session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: verified }),
  };
}

test("a passkey is added, opens the account alone and behind the password, and is removed", async ({ page }) => {
  const entry = new EntryPage(page);
  const person = newPerson();
  const device = await deviceOf(page);
  await entry.register(person);
  await page.goto("/account/security");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByText("Name of a new passkey is needed.")).toBeVisible();
  await page.getByLabel("Name of a new passkey").fill("My laptop");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  const row = page.getByRole("listitem").filter({ hasText: "My laptop" });
  await expect(row).toContainText("never used");
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);

  await new ChatPage(page).accountMenu("Sign out");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.getByRole("textbox", { name: "Message" })).toBeVisible();

  await new ChatPage(page).accountMenu("Sign out");
  await entry.signIn(person);
  await expect(page.getByRole("heading", { name: "One more step" })).toBeVisible();
  await device.agrees(false);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(entry.problem).toContainText("No passkey was chosen.");
  await device.agrees(true);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page.getByRole("textbox", { name: "Message" })).toBeVisible();

  await page.goto("/account/security");
  await expect(row).toContainText("Last used");
  await row.getByRole("button", { name: "Remove the passkey My laptop" }).click();
  await expect(row).toHaveCount(0);
  await new ChatPage(page).accountMenu("Sign out");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(entry.problem).toBeVisible();
  await entry.signIn(person);
  await expect(page.getByRole("textbox", { name: "Message" })).toBeVisible();
});

test("a passkey proves anew who is here", async ({ page }) => {
  await deviceOf(page);
  await new EntryPage(page).register(newPerson());
  await page.goto("/account/security");
  await page.getByLabel("Name of a new passkey").fill("My laptop");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: "My laptop" })).toBeVisible();
  let stale = true;
  await page.route("**/api/auth/second-factor/totp", async (route) => {
    if (!stale) return route.fallback();
    const body = { type: "/docs/errors#step_up_required", title: "x", status: 403, code: "step_up_required", detail: "x", retry: false };
    await route.fulfill({ status: 403, contentType: "application/problem+json", body: JSON.stringify(body) });
  });
  await page.getByRole("button", { name: "Set up an app" }).click();
  const dialog = page.getByRole("dialog", { name: "Is it you?" });
  await expect(dialog.getByRole("button", { name: "Use a passkey" })).toBeVisible();
  stale = false;
  await dialog.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page.getByRole("dialog", { name: "Set up an authenticator app" })).toBeVisible();
});
