import { open } from "@/lib/api/client";

const HEAD_DEADLINE_MS = 30_000;

/** Ask for a new answer to the same message, as an event stream. Asked again with the same key it is the same turn. */
export function retryTurn(
  turnId: string,
  body: { model: string },
  idempotencyKey: string,
  signal: AbortSignal,
): Promise<Response> {
  return open(`/api/turns/${turnId}/retry`, {
    method: "POST",
    body,
    headers: { Accept: "text/event-stream", "Idempotency-Key": idempotencyKey },
    deadlineMs: HEAD_DEADLINE_MS,
    signal,
  });
}
