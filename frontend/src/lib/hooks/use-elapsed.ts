import { useCallback, useSyncExternalStore } from "react";

const TICK_MS = 500;

/** Whole seconds since a moment (epoch milliseconds); 0 for none, and for one that the clocks put into the future. */
export function useElapsed(since: number | null): number {
  const subscribe = useCallback(
    (notify: () => void) => {
      if (since === null) return () => undefined;
      const timer = setInterval(notify, TICK_MS);
      return () => clearInterval(timer);
    },
    [since],
  );
  const passed = () => (since === null ? 0 : Math.max(0, Math.floor((Date.now() - since) / 1000)));
  return useSyncExternalStore(subscribe, passed, () => 0);
}
