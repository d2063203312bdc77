import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    alias: {
      "@": fileURLToPath(new URL("./src", import.meta.url)),
      "rehype-raw": fileURLToPath(new URL("./src/features/chat/markdown/no-raw-html.ts", import.meta.url)),
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["./vitest.setup.ts"],
    restoreMocks: true,
    unstubGlobals: true,
    // Streamdown goes through the same aliases as in the page.
    server: { deps: { inline: ["streamdown"] } },
  },
});
