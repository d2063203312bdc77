import { describe, expect, it } from "vitest";
import { chatHref, safeReturnPath } from "./navigation";

describe("safeReturnPath", () => {
  it.each(["/?c=cnv_1", "/account", "/account?x=1#keys"])("keeps %s", (path) => {
    expect(safeReturnPath(path)).toBe(path);
  });

  it.each([
    null,
    "",
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "/sign-in?next=/sign-in",
    "/register",
    "/\t/evil.example",
  ])("turns %j into the start", (path) => {
    expect(safeReturnPath(path)).toBe("/");
  });
});

describe("chatHref", () => {
  it("names a conversation, and the start for a new one", () => {
    expect(chatHref(null)).toBe("/");
    expect(chatHref("cnv_1&x=2")).toBe("/?c=cnv_1%26x%3D2");
  });
});
