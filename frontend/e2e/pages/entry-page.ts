import { expect, type Locator, type Page } from "@playwright/test";
import type { Person } from "./person";

/** The sign-in and register pages. */
export class EntryPage {
  readonly email: Locator;
  readonly password: Locator;
  readonly name: Locator;
  readonly problem: Locator;

  constructor(readonly page: Page) {
    this.email = page.getByLabel("Email");
    this.password = page.getByLabel("Password", { exact: true });
    this.name = page.getByLabel("Name");
    this.problem = page.locator("form").getByRole("alert");
  }

  async gotoRegister() {
    await this.page.goto("/register");
    await expect(this.page.getByRole("heading", { name: "Create your account" })).toBeVisible();
  }

  async gotoSignIn() {
    await this.page.goto("/sign-in");
    await expect(this.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  }

  async register(person: Person) {
    await this.gotoRegister();
    await this.name.fill(person.name);
    await this.email.fill(person.email);
    await this.password.fill(person.password);
    await this.page.getByRole("button", { name: "Create account" }).click();
    await expect(this.page.getByRole("textbox", { name: "Message" })).toBeVisible();
  }

  async signIn(person: Pick<Person, "email" | "password">) {
    await this.email.fill(person.email);
    await this.password.fill(person.password);
    await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
  }
}
