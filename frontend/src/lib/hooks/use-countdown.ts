import { useCallback, useSyncExternalStore } from "react";

const TICK_MS = 250;

/** Whole seconds left until a moment (epoch milliseconds), counting down to 0. */
export function useCountdown(until: number | null): number {
  const subscribe = useCallback(
    (notify: () => void) => {
      if (until === null) return () => undefined;
      const timer = setInterval(notify, TICK_MS);
      return () => clearInterval(timer);
    },
    [until],
  );
  const left = () => (until === null ? 0 : Math.max(0, Math.ceil((until - Date.now()) / 1000)));
  return useSyncExternalStore(subscribe, left, () => 0);
}
