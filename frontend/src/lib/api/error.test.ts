import { describe, expect, it } from "vitest";
import { strings } from "@/lib/strings";
import { ApiError, errorFromResponse, parseRetryAfter, toApiError } from "./error";

describe("errorFromResponse", () => {
  it("keeps the sentence, the code, the fields and the time to wait of a problem document", async () => {
    const body = {
      type: "/docs/errors#weak_password",
      title: "Weak password",
      status: 422,
      detail: "Choose another password.",
      code: "weak_password",
      retry: false,
      request_id: "req_1",
      errors: [{ field: "password", message: "Too common." }],
    };
    const error = await errorFromResponse(
      new Response(JSON.stringify(body), {
        status: 422,
        headers: { "content-type": "application/problem+json", "retry-after": "7" },
      }),
    );
    expect(error).toMatchObject({
      message: "Choose another password.",
      code: "weak_password",
      status: 422,
      retry: false,
      retryAfterMs: 7000,
      fields: { password: "Too common." },
      requestId: "req_1",
    });
  });

  it.each([
    [404, strings.errors.notFound, false],
    [429, strings.errors.rateLimited, true],
    [502, strings.errors.server, true],
    [418, strings.errors.unexpected, false],
  ])("finds its own sentence for a bare %i", async (status, sentence, retry) => {
    const error = await errorFromResponse(new Response("<html>proxy</html>", { status }));
    expect(error).toMatchObject({ message: sentence, retry });
  });

  it("survives a body that claims to be JSON and is not", async () => {
    const response = new Response("{", { status: 500, headers: { "content-type": "application/json" } });
    expect((await errorFromResponse(response)).message).toBe(strings.errors.server);
  });
});

describe("parseRetryAfter", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  it.each([
    ["3", 3000],
    ["0", 0],
    ["-5", 0],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["Wed, 31 Dec 2025 00:00:00 GMT", 0],
    ["soon", null],
    ["", null],
    [null, null],
  ])("reads %j as %j", (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });
});

describe("toApiError", () => {
  it("leaves an ApiError alone and never shows a stack", () => {
    const known = new ApiError("x", "A sentence.", 400, false);
    expect(toApiError(known)).toBe(known);
    expect(toApiError(new Error("undefined is not a function")).message).toBe(strings.errors.unexpected);
  });
});
