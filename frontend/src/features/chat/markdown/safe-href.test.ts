import { describe, expect, it } from "vitest";
import { safeHref } from "./safe-href";

describe("safeHref", () => {
  it.each(["https://example.com/a?b#c", "http://example.com/", "mailto:a@example.com"])("lets %s through", (href) => {
    expect(safeHref(href)).toBe(href);
  });

  it.each([
    undefined,
    "",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " \u0001javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "blob:https://example.com/1",
    "file:///etc/passwd",
    "/api/auth/logout",
    "//example.com",
    "account",
    "#x",
    "https://user:secret@example.com/",
  ])("holds %j back", (href) => {
    expect(safeHref(href)).toBeNull();
  });
});
