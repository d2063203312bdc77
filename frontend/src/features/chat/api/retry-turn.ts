import { open } from "@/lib/api/client";

const HEAD_DEADLINE_MS = 30_000;

/** Ask for a new answer to the same message, as an event stream. */
export function retryTurn(turnId: string, model: string, signal: AbortSignal): Promise<Response> {
  return open(`/api/turns/${turnId}/retry`, {
    method: "POST",
    body: { model },
    headers: { Accept: "text/event-stream" },
    deadlineMs: HEAD_DEADLINE_MS,
    signal,
  });
}
