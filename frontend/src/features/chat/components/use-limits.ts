import { useEffect, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { limitsQuery } from "../api/limits";
import { limitState, type LimitState } from "../limit-state";

const MAX_TIMER_MS = 2 ** 31 - 1;

/** What the person's limits mean, kept true while time passes. Without an answer nothing is known to be limited. */
export function useLimits(): LimitState {
  const { data } = useQuery(limitsQuery);
  const [now, setNow] = useState(Date.now);
  const state = limitState(data, now);
  const next = state.blockedUntil;

  useEffect(() => {
    if (next === null) return;
    const timer = setTimeout(() => setNow(Date.now()), Math.min(Math.max(0, next - Date.now()) + 50, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  }, [next]);

  return state;
}
