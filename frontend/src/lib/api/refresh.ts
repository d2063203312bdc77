const REFRESHED_AT = "headrace.refreshed-at";

export interface RefresherParts {
  /** Ask the server for a new session; answers the HTTP status, throws when it cannot be reached. */
  call: () => Promise<number>;
  /** Holds one refresh at a time across tabs. */
  withLock: <T>(work: () => Promise<T>) => Promise<T>;
  /** Remembers when any tab last refreshed (a time, never a token). */
  storage: { getItem(key: string): string | null; setItem(key: string, value: string): unknown };
  now: () => number;
}

export type RefreshResult = "refreshed" | "signed-out" | "unavailable";

/**
 * One refresh for any number of requests that met a 401, in this tab and the others.
 *
 * Refresh tokens rotate: two refreshes with the same token would look like theft to the server. So
 * calls share one promise, tabs share a lock, and whoever gets the lock after another tab has
 * refreshed returns without calling again.
 */
export function createRefresher({ call, withLock, storage, now }: RefresherParts) {
  let inFlight: Promise<RefreshResult> | null = null;

  async function refreshOnce(since: number): Promise<RefreshResult> {
    return withLock(async () => {
      if (Number(storage.getItem(REFRESHED_AT) ?? 0) > since) return "refreshed";
      const status = await call();
      if (status === 401 || status === 403) return "signed-out";
      if (status >= 400) return "unavailable";
      storage.setItem(REFRESHED_AT, String(now()));
      return "refreshed";
    });
  }

  /** `since`: when the request that was refused had been sent. */
  return function refresh(since: number): Promise<RefreshResult> {
    inFlight ??= refreshOnce(since).finally(() => {
      inFlight = null;
    });
    return inFlight;
  };
}

/** The Web Locks API where the browser has it; without it a tab is on its own. */
export function withBrowserLock<T>(work: () => Promise<T>): Promise<T> {
  if (typeof navigator === "undefined" || !("locks" in navigator)) return work();
  return navigator.locks.request("headrace-refresh", work);
}
