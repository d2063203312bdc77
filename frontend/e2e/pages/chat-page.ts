import { expect, type Locator, type Page } from "@playwright/test";

/** A conversation, or the place to begin one, with the rail beside it. */
export class ChatPage {
  readonly composer: Locator;
  readonly send: Locator;
  readonly stop: Locator;
  readonly log: Locator;
  readonly rail: Locator;
  readonly heading: Locator;
  readonly picker: Locator;
  readonly newChat: Locator;

  constructor(readonly page: Page) {
    this.composer = page.getByRole("textbox", { name: "Message", exact: true });
    this.send = page.getByRole("button", { name: "Send" });
    this.stop = page.getByRole("button", { name: "Stop answering" });
    this.log = page.getByRole("log", { name: "Messages" });
    this.rail = page.getByRole("navigation", { name: "Chats" });
    this.heading = page.getByRole("heading", { level: 1 });
    this.newChat = page.getByRole("button", { name: "New chat", exact: true });
    this.picker = page.getByRole("button", { name: /^Model: / });
  }

  /** The answers, oldest first. */
  get answers(): Locator {
    return this.log.getByRole("article").filter({ has: this.page.getByRole("heading", { name: / answered$/ }) });
  }

  get questions(): Locator {
    return this.log.getByRole("article").filter({ has: this.page.getByRole("heading", { name: "You said" }) });
  }

  async pickModel(title: string | RegExp) {
    await this.picker.click();
    await this.page.getByRole("menuitemradio", { name: title }).click();
  }

  async ask(text: string) {
    await this.composer.fill(text);
    await expect(this.send).toBeEnabled();
    await this.send.click();
  }

  /** Wait for the answer to what was asked last to end; in a new chat that is before it has begun, too. */
  async settled() {
    const last = this.log.getByRole("article").last().getByRole("heading", { name: / answered$/ });
    await expect(last).toBeAttached({ timeout: 45_000 });
    await expect(this.send).toBeVisible({ timeout: 45_000 });
  }

  /** The open conversation's entry in the list. */
  get activeItem(): Locator {
    return this.rail.locator('a[aria-current="page"]');
  }

  item(title: string | RegExp): Locator {
    return this.rail.getByRole("link", { name: title });
  }

  async menu(title: string, action: string) {
    await this.item(title).hover();
    await this.rail.getByRole("button", { name: `Options for ${title}` }).click();
    await this.page.getByRole("menuitem", { name: action }).click();
  }

  async accountMenu(action: string) {
    await this.page.getByRole("button", { name: /^Account: / }).click();
    await this.page.getByRole("menuitem", { name: action }).click();
  }
}
