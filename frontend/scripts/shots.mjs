/**
 * Takes the pictures by which the page is judged, into shots/: every screen, wide and narrow, light and dark.
 * Wants a stack with the simulated model at HEADRACE_URL (the mock server will do).
 */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { auditTour, identityTour } from "./shots-identity.mjs";

const base = process.env.HEADRACE_URL ?? "http://localhost:8199";
const only = process.argv[2];
const folder = fileURLToPath(new URL("../shots", import.meta.url));
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"],
});

for (const width of [1280, 390]) {
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({
      baseURL: base,
      colorScheme,
      viewport: { width, height: width === 390 ? 844 : 800 },
      deviceScaleFactor: 1,
      hasTouch: width === 390,
    });
    await tour(await context.newPage(), `${width}-${colorScheme}`, width === 390);
    await context.close();
  }
}
await browser.close();

async function tour(page, suffix, narrow) {
  const shot = async (name) => {
    if (only && !name.includes(only)) return;
    await page.waitForTimeout(250);
    await page.screenshot({ path: `${folder}/${name}-${suffix}.png` });
  };
  const composer = page.getByRole("textbox", { name: "Message", exact: true });
  const send = page.getByRole("button", { name: "Send" });
  const ask = async (text) => {
    await composer.fill(text);
    await send.click();
  };

  await page.goto("/sign-in");
  await page.getByLabel("Email").waitFor();
  await shot("sign-in");
  await page.getByLabel("Email").fill("nobody@example.com");
  await page.getByLabel("Password", { exact: true }).fill("not the right words");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.locator("form").getByRole("alert").waitFor();
  await shot("sign-in-wrong");

  const email = `ada-${suffix}-${Date.now()}@example.com`;
  await page.goto("/register");
  await page.getByLabel("Name").fill("Ada Marsh");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill("heron mill");
  await shot("register");
  await page.getByLabel("Password", { exact: true }).fill(`heron mill weir ${Date.now()}`);
  await page.getByRole("button", { name: "Create account" }).click();
  await composer.waitFor();
  await shot("empty");

  for (const question of ["Explain photosynthesis to a child", "Regex for an ISO date", "Names for a sailing boat"]) {
    await ask(`[[echo]] ${question}`);
    await page.getByRole("article").nth(1).waitFor();
    await send.waitFor();
    await page.waitForTimeout(800);
    if (narrow) await page.locator("header").getByRole("button", { name: "New chat" }).click();
    else await page.getByRole("button", { name: "New chat", exact: true }).click();
  }

  await ask("How does a headrace work, and how much power is left at the end?");
  await page.getByRole("table").waitFor();
  await shot("streaming");
  await send.waitFor({ timeout: 60_000 });
  await page.waitForTimeout(1200);
  await shot("conversation-end");
  await page.getByRole("log").evaluate((element) => element.scrollTo(0, 0));
  await shot("conversation");
  await page.getByRole("button", { name: "Details" }).click();
  await page.getByRole("log").evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await shot("details");

  await ask("[[fail]] [[echo]] The first half of this answer arrives well enough, and then the engine gives up on it.");
  await page.getByText("The text so far is kept.").waitFor();
  await shot("failed");
  await page.getByText("Try again", { exact: true }).last().click();
  await page.getByRole("group", { name: "Branches" }).waitFor();
  await page.waitForTimeout(300);
  await shot("branches");
  await composer.press("ArrowUp");
  await page.getByRole("textbox", { name: "Edit your message" }).waitFor();
  await shot("edit");
  await page.keyboard.press("Escape");

  const palette = async (words) => {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").waitFor();
    if (words === null) return;
    await page.keyboard.type(words);
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("button").first().waitFor();
  };
  const close = async () => {
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  };
  await palette(null);
  await page.keyboard.type("re");
  await shot("palette");
  await close();
  await palette("instructions");
  await page.getByLabel("Temperature").fill("3");
  await page.getByRole("button", { name: "Save" }).click();
  await shot("settings");
  await close();
  await palette("prompt library");
  await page.getByRole("button", { name: "New prompt" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("Explain");
  await page.getByRole("textbox", { name: "Text" }).fill("Explain {topic} to {who}, in three sentences.");
  await shot("prompt-form");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Use Explain" }).waitFor();
  await shot("prompts");
  await page.getByRole("button", { name: "Use Explain" }).click();
  await page.getByRole("textbox", { name: "topic" }).waitFor();
  await shot("prompt-fill");
  await close();
  await palette("share this");
  await page.getByRole("button", { name: "Create link" }).click();
  await page.getByRole("textbox", { name: "Link" }).waitFor();
  await shot("share");
  const shared = await page.getByRole("textbox", { name: "Link" }).inputValue();
  await close();
  const here = page.url();
  await ask(
    "[[echo]] The power at the shaft is \\[ P = \\eta \\, \\rho \\, g \\, Q \\, H \\] with the flow $Q$ and the head $H$; \\(\\eta \\approx 0.82\\). It costs $5 to $10 a day.",
  );
  await page.locator(".katex").nth(3).waitFor();
  await send.waitFor();
  await page.getByRole("button", { name: "Good answer" }).last().click();
  await page.waitForTimeout(600);
  await shot("maths");

  const long = await page.request.post("/api/mock/long?messages=60");
  if (long.ok()) {
    await page.goto(`/?c=${(await long.json()).id}`);
    await ask("[[echo]] And how high is it now?");
    await page.getByRole("button", { name: "Summarise them" }).waitFor();
    await shot("left-out");
    await page.getByRole("button", { name: "Summarise them" }).click();
    await page.getByText("Summarising").waitFor();
    await shot("summarising");
    await page.getByRole("button", { name: "Read the summary" }).waitFor();
    await shot("summarised");
    await page.getByRole("button", { name: "Read the summary" }).click();
    await page.getByText("Stands for").waitFor();
    await shot("summary");
    await close();
    await ask("[[echo]] And then?");
    await page.getByText("read a summary of the 21").waitFor();
    await shot("summary-read");
  }
  await page.route("**/api/models", async (route) => {
    const { items } = await (await route.fetch()).json();
    const waking = { title: "SmolLM2 135M", state: "starting", detail: null, waking_since: new Date(Date.now() - 42_000) };
    await route.fulfill({ json: { items: [{ ...items[0], ...waking }] } });
  });
  await page.goto(here);
  await page.getByRole("region", { name: "is waking up" }).waitFor();
  await shot("waking");
  await page.unroute("**/api/models");
  const used = { scope: "person", key_id: null, period: "day", limit: 200000, used: 171200, reserved: 0, remaining: 28800 };
  const limits = {
    budgets: [
      { ...used, resets_at: new Date(Date.now() + 3 * 36e5).toISOString() },
      { ...used, period: "month", limit: 2000000, remaining: 900000, used: 1100000, resets_at: new Date(Date.now() + 6 * 864e5).toISOString() },
    ],
    requests: { limit: 60, remaining: 51, reset_seconds: 60 },
  };
  await page.route("**/api/usage/limits", (route) => route.fulfill({ json: limits }));
  await page.reload();
  await page.getByRole("button", { name: /Show your limits/ }).waitFor();
  await page.waitForTimeout(700);
  await shot("limit-chip");
  await page.getByRole("button", { name: /Show your limits/ }).click();
  await page.getByRole("meter").first().waitFor();
  await shot("limits");
  await close();
  Object.assign(limits.budgets[0], { used: 200000, remaining: 0 });
  await page.reload();
  await page.getByText(/used up/).waitFor();
  await page.waitForTimeout(700);
  await shot("limit-spent");
  await page.unroute("**/api/usage/limits");
  await page.goto("/search?q=headrace");
  await page.locator("mark").first().waitFor();
  await shot("search");
  await page.goto(shared);
  await page.getByRole("article").first().waitFor();
  await page.waitForTimeout(500);
  await shot("shared");
  await page.goto("/shared/none");
  await page.getByRole("heading", { level: 1 }).waitFor();
  await shot("shared-gone");
  await page.goto(here);
  await composer.waitFor();

  await page.getByRole("button", { name: /^Model: / }).click();
  await page.getByRole("menu").waitFor();
  await shot("models");
  await page.keyboard.press("Escape");

  await ask("[[slow]] [[limit]]");
  await page.getByRole("alert").first().waitFor();
  await shot("limit");

  if (narrow) {
    await page.getByRole("button", { name: "Open chat list" }).click();
    await page.getByRole("dialog").waitFor();
  }
  await page.getByRole("button", { name: /^Account: / }).click();
  await page.getByRole("menu").waitFor();
  await shot(narrow ? "drawer-menu" : "account-menu");
  await page.keyboard.press("Escape");
  await page.getByRole("menu").waitFor({ state: "detached" });
  if (narrow) await shot("drawer");

  if (!narrow) {
    const item = page.getByRole("navigation", { name: "Chats" }).getByRole("link").last();
    await item.hover();
    await item.locator("xpath=..").getByRole("button").click();
    await page.getByRole("menu").waitFor();
    await shot("chat-menu");
    await page.getByRole("menuitem", { name: "Archive" }).click();
    await page.getByRole("button", { name: "Undo" }).waitFor();
    await shot("toast");
    await page.goto("/archived");
    await page.getByRole("main").getByRole("link").first().waitFor();
    await shot("archived");
  }

  await page.goto("/account");
  await page.getByLabel("Key name").fill("My laptop");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByText("Copy it now").waitFor();
  await shot("account");
  await page.getByRole("button", { name: "Delete key My laptop" }).click();
  await page.getByRole("alertdialog").waitFor();
  await shot("confirm");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.goto("/nowhere");
  await shot("not-found");
  await identityTour(page, shot);
  const elsewhere = await page.context().browser().newContext({ baseURL: base, viewport: page.viewportSize(), colorScheme: suffix.includes("dark") ? "dark" : "light" });
  const own = await elsewhere.newPage();
  await auditTour(own, async (name) => {
    if (only && !name.includes(only)) return;
    await own.waitForTimeout(250);
    await own.screenshot({ path: `${folder}/${name}-${suffix}.png` });
  }, narrow);
  await elsewhere.close();
}
