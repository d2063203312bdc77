import { defineConfig } from "@playwright/test";

/**
 * Against HEADRACE_URL, the real stack; without it, against the mock server and the exported page.
 * The browser is the system's Chromium.
 */
const url = process.env["HEADRACE_URL"];
const MOCK_PORT = Number(process.env["MOCK_PORT"] ?? 8199);

export default defineConfig({
  testDir: "e2e",
  timeout: 60_000,
  expect: { timeout: 15_000 },
  fullyParallel: false,
  workers: 1,
  forbidOnly: process.env["CI"] !== undefined,
  retries: 0,
  reporter: [["list"]],
  use: {
    baseURL: url ?? `http://localhost:${MOCK_PORT}`,
    viewport: { width: 1280, height: 800 },
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium",
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  ...(url
    ? {}
    : {
        webServer: {
          command: `node mock/server.mjs ${MOCK_PORT}`,
          url: `http://localhost:${MOCK_PORT}/sign-in`,
          reuseExistingServer: false,
        },
      }),
});
