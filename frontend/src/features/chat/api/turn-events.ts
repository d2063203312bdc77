import { open } from "@/lib/api/client";

const HEAD_DEADLINE_MS = 15_000;

/** The live log of a turn, running or finished, after event number `after` (0 for all of it). */
export function turnEvents(turnId: string, after: number, signal: AbortSignal): Promise<Response> {
  return open(`/api/turns/${turnId}/events`, {
    headers: {
      Accept: "text/event-stream",
      ...(after > 0 ? { "Last-Event-ID": String(after) } : {}),
    },
    deadlineMs: HEAD_DEADLINE_MS,
    signal,
  });
}
