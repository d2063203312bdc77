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
      await chat.composer.press("ArrowUp");
      await expect(page.getByRole("textbox", { name: "Edit your message" })).toBeFocused();
      expect(await violations(page)).toEqual([]);

      await page.setViewportSize({ width: 390, height: 844 });
      await page.getByRole("button", { name: "Open chat list" }).click();
      await expect(page.getByRole("dialog", { name: "Chats" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
    });

    test("on every dialog that lies over a chat", async ({ page }) => {
      await new EntryPage(page).register(newPerson());
      const chat = new ChatPage(page);
      await chat.ask("[[echo]] one");
      await chat.settled();
      await chat.answers.first().getByRole("button", { name: "Try again", exact: true }).click();
      await expect(chat.answers.first().getByRole("group", { name: "Branches" })).toContainText("2/2");
      expect(await violations(page)).toEqual([]);

      for (const [name, inside] of [
        ["How this chat answers", "Instructions"],
        ["Prompt library", "New prompt"],
        ["Share this chat", "Create link"],
        ["Your limits", "Your tokens are not limited."],
        ["Keyboard shortcuts", "Edit the last message"],
      ] as const) {
        await page.keyboard.press("Control+k");
        await expect(page.getByRole("combobox")).toBeFocused();
        if (name === "Share this chat") expect(await violations(page)).toEqual([]);
        await page.keyboard.type(name === "How this chat answers" ? "instructions" : name);
        await page.keyboard.press("Enter");
        const dialog = page.getByRole("dialog", { name });
        await expect(dialog).toContainText(inside);
        expect(await violations(page)).toEqual([]);
        if (name === "Share this chat") {
          await dialog.getByRole("button", { name: "Create link" }).click();
          await expect(dialog.getByRole("textbox", { name: "Link" })).toBeVisible();
          expect(await violations(page)).toEqual([]);
        }
        if (name === "Prompt library") {
          await dialog.getByRole("button", { name: "New prompt" }).click();
          expect(await violations(page)).toEqual([]);
          await dialog.getByLabel("Name").fill("Explain");
          await dialog.getByLabel("Text").fill("Explain {topic}.");
          await dialog.getByRole("button", { name: "Save" }).click();
          await expect(dialog.getByRole("button", { name: "Use Explain" })).toBeVisible();
          expect(await violations(page)).toEqual([]);
          await dialog.getByRole("button", { name: "Use Explain" }).click();
          await expect(dialog.getByLabel("topic")).toBeFocused();
          expect(await violations(page)).toEqual([]);
        }
        await page.keyboard.press("Escape");
        await expect(dialog).toBeHidden();
      }
    });

    test("on search, the archive, a toast and a shared chat", async ({ page }) => {
      await new EntryPage(page).register(newPerson());
      const chat = new ChatPage(page);
      await chat.ask("[[echo]] the sluice gate");
      await chat.settled();
      await expect(chat.activeItem).not.toHaveText("New chat");
      const title = await chat.activeItem.innerText();
      await page.goto("/search?q=sluice");
      await expect(page.locator("mark").first()).toBeVisible();
      expect(await violations(page)).toEqual([]);

      await chat.menu(title, "Share");
      const dialog = page.getByRole("dialog", { name: "Share this chat" });
      await dialog.getByRole("button", { name: "Create link" }).click();
      const link = await dialog.getByRole("textbox", { name: "Link" }).inputValue();
      await page.keyboard.press("Escape");
      await chat.menu(title, "Archive");
      await expect(page.getByRole("button", { name: "Undo" })).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.goto("/archived");
      await expect(page.getByRole("main").getByRole("link", { name: title })).toBeVisible();
      expect(await violations(page)).toEqual([]);

      await page.goto(link);
      await expect(page.getByRole("main")).toContainText("the sluice gate");
      expect(await violations(page)).toEqual([]);
      await page.goto("/shared/not-a-token");
      await expect(page.getByRole("heading", { name: "This link does not work" })).toBeVisible();
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
