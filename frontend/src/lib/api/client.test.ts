import { afterEach, describe, expect, it, vi } from "vitest";
import { call, onSignedOut, open } from "./client";
import { ApiError } from "./error";

type Answer = Response | Error | ((path: string) => Response);

/** Answers by path, in order; the last one of a path repeats. */
function serve(answers: Record<string, Answer[]>) {
  const seen: string[] = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    seen.push(`${init.method} ${path}`);
    const list = answers[path] ?? [];
    const answer = list.length > 1 ? list.shift() : list[0];
    if (answer === undefined) throw new Error(`nothing serves ${path}`);
    if (answer instanceof Error) throw answer;
    return typeof answer === "function" ? answer(path) : answer.clone();
  });
  return seen;
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  json(status, { type: "x", title: "x", status, detail: `about ${code}`, code, retry: false, request_id: "req_1" }, headers);

afterEach(() => window.localStorage.clear());

describe("call", () => {
  it("returns the JSON of a success and nothing for 204", async () => {
    serve({ "/a": [json(200, { n: 1 })], "/b": [new Response(null, { status: 204 })] });
    expect(await call("/a")).toEqual({ n: 1 });
    expect(await call("/b", { method: "DELETE" })).toBeUndefined();
  });

  it("renews an expired session once and repeats the request", async () => {
    const seen = serve({
      "/a": [problem(401, "unauthenticated"), json(200, { n: 1 })],
      "/api/auth/refresh": [json(200, {})],
    });
    expect(await call("/a")).toEqual({ n: 1 });
    expect(seen).toEqual(["GET /a", "POST /api/auth/refresh", "GET /a"]);
  });

  it("renews once for many requests at the same time", async () => {
    let renewed = false;
    const data = () => (renewed ? json(200, {}) : problem(401, "unauthenticated"));
    const seen = serve({
      "/a": [data],
      "/api/auth/refresh": [
        () => {
          renewed = true;
          return json(200, {});
        },
      ],
    });
    await Promise.all(Array.from({ length: 10 }, () => call("/a")));
    expect(seen.filter((line) => line.includes("refresh"))).toHaveLength(1);
  });

  it("tells the page when the session is over", async () => {
    serve({ "/a": [problem(401, "unauthenticated")], "/api/auth/refresh": [problem(401, "unauthenticated")] });
    const listener = vi.fn();
    const stop = onSignedOut(listener);
    await expect(call("/a")).rejects.toMatchObject({ status: 401, code: "unauthenticated" });
    expect(listener).toHaveBeenCalledTimes(1);
    stop();
  });

  it("does not sign out when renewing fails for another reason", async () => {
    serve({ "/a": [problem(401, "unauthenticated")], "/api/auth/refresh": [problem(503, "unavailable")] });
    const listener = vi.fn();
    const stop = onSignedOut(listener);
    await expect(call("/a")).rejects.toMatchObject({ status: 503, retry: true });
    expect(listener).not.toHaveBeenCalled();
    stop();
  });

  it.each(["wrong_credentials", "wrong_code", "wrong_passkey"])(
    "takes a 401 with %s for an answer, also where a session is there",
    async (code) => {
      const seen = serve({ "/api/auth/step-up": [problem(401, code)] });
      await expect(call("/api/auth/step-up", { method: "POST" })).rejects.toMatchObject({ status: 401, code });
      expect(seen).toEqual(["POST /api/auth/step-up"]);
    },
  );

  it("takes a 401 of signing in for an answer", async () => {
    const seen = serve({ "/api/auth/login": [problem(401, "wrong_credentials")] });
    await expect(call("/api/auth/login", { method: "POST", body: {}, renew: false })).rejects.toMatchObject({
      code: "wrong_credentials",
      message: "about wrong_credentials",
    });
    expect(seen).toHaveLength(1);
  });

  it("makes a sentence of a broken connection", async () => {
    serve({ "/a": [new TypeError("Failed to fetch")] });
    const error = await call("/a").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: "network", retry: true });
  });

  it("gives up after its deadline", async () => {
    vi.stubGlobal(
      "fetch",
      (_: string, init: RequestInit) =>
        new Promise((_resolve, reject) => {
          init.signal?.addEventListener("abort", () => reject(init.signal?.reason as Error));
        }),
    );
    await expect(call("/a", { deadlineMs: 10 })).rejects.toMatchObject({ code: "timeout", retry: true });
    await expect(
      open("/a", { deadlineMs: 10, headers: { Accept: "text/event-stream" } }),
    ).rejects.toMatchObject({ code: "timeout" });
  });

  it("passes an abort of the caller on as it is", async () => {
    const abort = new AbortController();
    vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
      abort.abort(new Error("left"));
      throw init.signal?.reason as Error;
    });
    await expect(call("/a", { signal: abort.signal })).rejects.toThrow("left");
  });

  it("sends cookies to its own origin only and never a token", async () => {
    const inits: RequestInit[] = [];
    vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
      inits.push(init);
      return json(200, {});
    });
    await call("/a", { method: "POST", body: { x: 1 } });
    expect(inits[0]).toMatchObject({ credentials: "same-origin", body: '{"x":1}' });
    expect(Object.keys(inits[0]?.headers ?? {}).map((name) => name.toLowerCase())).not.toContain("authorization");
  });
});
