import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { ChatPage } from "./pages/chat-page";
import { EntryPage } from "./pages/entry-page";
import { newPerson } from "./pages/person";

async function violations(page: Page) {
  const { violations: found } = await new AxeBuilder({ page }).analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in the ${colorScheme} theme axe finds nothing`, () => {
    test.use({ colorScheme });

    test("on the pages before signing in", async ({ page }) => {
      const entry = new EntryPage(page);
      await entry.gotoSignIn();
      expect(await violations(page)).toEqual([]);
      await entry.signIn({ email: "nobody@example.com", password: "not the right words" });
      await expect(entry.problem).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await entry.gotoRegister();
      expect(await violations(page)).toEqual([]);
    });

    test("on a conversation with everything in it, wide and narrow", async ({ page }) => {
      await new EntryPage(page).register(newPerson());
      const chat = new ChatPage(page);
      expect(await violations(page)).toEqual([]);

      await chat.ask(
        [
          "[[echo]] ## A heading\n\nA [link](https://example.com/) and `code`.",
          "| Part | Length |\n| --- | --- |\n| Headrace | 1,200 m |",
          '```python\ndef power(head: float) -> float:\n    """Watts."""  # at the shaft\n    return head * 9.81\n```',
          "- [x] done\n- [ ] open\n\n> Measure twice.",
        ].join("\n\n"),
      );
      await expect(chat.answers.first()).toContainText("Measure twice.");
      await chat.settled();
      await expect(chat.answers.first().locator("pre span").first()).toBeVisible();
      await chat.answers.first().getByRole("button", { name: "Details" }).click();
      expect(await violations(page)).toEqual([]);

      await chat.ask("[[fail]] [[echo]] one two three four five six seven eight nine ten eleven twelve thirteen fourteen");
      await expect(chat.answers.nth(1).getByRole("button", { name: "Try again" })).toBeVisible();
      expect(await violations(page)).toEqual([]);

      await page.setViewportSize({ width: 390, height: 844 });
      await page.getByRole("button", { name: "Open chat list" }).click();
      await expect(page.getByRole("dialog", { name: "Chats" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
    });

    test("on the account page, with a new key and its question", async ({ page }) => {
      await new EntryPage(page).register(newPerson());
      await page.goto("/account");
      await page.getByLabel("Key name").fill("My laptop");
      await page.getByRole("button", { name: "Create key" }).click();
      await expect(page.getByText("Copy it now")).toBeVisible();
      await expect(page.getByRole("button", { name: "Delete key My laptop" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "Delete key My laptop" }).click();
      await expect(page.getByRole("alertdialog")).toBeVisible();
      expect(await violations(page)).toEqual([]);
    });
  });
}
