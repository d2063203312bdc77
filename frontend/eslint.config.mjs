import reactHooks from "eslint-plugin-react-hooks";
import { globalIgnores, defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

const noFeatures = {
  regex: "^@/(features|app)(/|$)",
  message: "Only src/app puts features together; inside a feature use relative paths. Shared things live in src/lib.",
};

export default defineConfig(
  globalIgnores([".next/", "out/", "node_modules/", "next-env.d.ts", "playwright-report/", "test-results/", "shots/"]),
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.recommendedTypeChecked, reactHooks.configs.flat["recommended-latest"]],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/no-confusing-void-expression": "off",
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "What models and people write is never markup of this page.",
        },
      ],
    },
  },
  {
    files: ["src/features/**", "src/components/**", "src/lib/**"],
    rules: { "no-restricted-imports": ["error", { patterns: [noFeatures] }] },
  },
  {
    files: ["**/*.test.{ts,tsx}"],
    rules: {
      // Fakes are async where the real thing is.
      "@typescript-eslint/require-await": "off",
    },
  },
);
