/**
 * Wait before try number `attempt` (from 0): doubling from `baseMs` up to `capMs`, of which a
 * random half to whole is taken, so that many pages do not come back in step.
 */
export function backoffMs(attempt: number, baseMs: number, capMs: number, random: () => number = Math.random): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
  return full / 2 + (full / 2) * random();
}

/** Sleep that ends early when the browser comes back online; rejects when aborted. */
export function sleepUntilOnline(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      window.removeEventListener("online", onOnline);
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    const onOnline = () => finish(resolve);
    const onAbort = () => finish(() => reject(signal.reason as Error));
    const timer = setTimeout(() => finish(resolve), ms);
    if (signal.aborted) return onAbort();
    window.addEventListener("online", onOnline);
    signal.addEventListener("abort", onAbort);
  });
}
