import type { NextConfig } from "next";

const exporting = process.env.NODE_ENV === "production";
const gateway = process.env.HEADRACE_URL ?? "http://127.0.0.1:8080";

/**
 * The page is exported as plain files that the gateway serves on its own origin.
 * `next dev` instead forwards the API to a running gateway (or the mock server).
 */
const config: NextConfig = {
  reactStrictMode: true,
  poweredByHeader: false,
  // The page alone: building it needs none of its tests.
  typescript: { tsconfigPath: "tsconfig.build.json" },
  // What a model writes is never parsed as HTML, so the parser for it (a fifth of the Markdown script) stays out.
  turbopack: { resolveAlias: { "rehype-raw": "./src/features/chat/markdown/no-raw-html.ts" } },
  ...(exporting
    ? { output: "export" as const }
    : {
        rewrites: () => Promise.resolve([{ source: "/api/:path*", destination: `${gateway}/api/:path*` }]),
      }),
};

export default config;
