import { describe, expect, it, vi } from "vitest";
import { createRefresher, type RefresherParts } from "./refresh";

/** A lock that works as the browser's does: one holder at a time, in order. */
function sharedLock(): RefresherParts["withLock"] {
  let tail: Promise<unknown> = Promise.resolve();
  return (work) => {
    const run = tail.then(work);
    tail = run.catch(() => undefined);
    return run;
  };
}

function sharedStorage() {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => values.set(key, value),
    values,
  };
}

describe("createRefresher", () => {
  it("makes one call for any number of requests at once", async () => {
    const call = vi.fn(async () => 200);
    const refresh = createRefresher({ call, withLock: sharedLock(), storage: sharedStorage(), now: () => 2000 });

    const results = await Promise.all(Array.from({ length: 50 }, () => refresh(1000)));

    expect(new Set(results)).toEqual(new Set(["refreshed"]));
    expect(call).toHaveBeenCalledTimes(1);
  });

  it("makes one call for several tabs at once", async () => {
    const call = vi.fn(async () => 200);
    const parts = { call, withLock: sharedLock(), storage: sharedStorage(), now: () => 2000 };
    const tabs = [createRefresher(parts), createRefresher(parts), createRefresher(parts)];

    expect(await Promise.all(tabs.map((refresh) => refresh(1000)))).toEqual(["refreshed", "refreshed", "refreshed"]);
    expect(call).toHaveBeenCalledTimes(1);
  });

  it("calls again for a request that was refused after the last refresh", async () => {
    const call = vi.fn(async () => 200);
    const refresh = createRefresher({ call, withLock: sharedLock(), storage: sharedStorage(), now: () => 2000 });
    await refresh(1000);
    await refresh(3000);
    expect(call).toHaveBeenCalledTimes(2);
  });

  it("tells a session that is over from a server that is out of order", async () => {
    const answers = [401, 503];
    const call = vi.fn(async () => answers.shift() ?? 200);
    const refresh = createRefresher({ call, withLock: sharedLock(), storage: sharedStorage(), now: () => 2000 });
    expect(await refresh(1)).toBe("signed-out");
    expect(await refresh(1)).toBe("unavailable");
    expect(await refresh(1)).toBe("refreshed");
  });

  it("passes on that the server cannot be reached, and can be used again", async () => {
    const call = vi.fn(async () => 200).mockRejectedValueOnce(new TypeError("offline"));
    const refresh = createRefresher({ call, withLock: sharedLock(), storage: sharedStorage(), now: () => 2000 });
    await expect(refresh(1)).rejects.toThrow("offline");
    expect(await refresh(1)).toBe("refreshed");
  });

  it("stores a time and nothing else", async () => {
    const storage = sharedStorage();
    const refresh = createRefresher({ call: async () => 200, withLock: sharedLock(), storage, now: () => 2000 });
    await refresh(1);
    expect([...storage.values]).toEqual([["headrace.refreshed-at", "2000"]]);
  });
});
