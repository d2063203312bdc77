import { open } from "@/lib/api/client";

const HEAD_DEADLINE_MS = 30_000;

export interface TurnBody {
  content: string;
  model: string;
  /** Left out: below what is shown. A message: a branch below it. null: a new beginning. */
  parent_id?: string | null;
}

/** Send a message and get the answer's event stream at once. Sent again with the same key it is the same turn. */
export function startTurn(
  conversationId: string,
  body: TurnBody,
  idempotencyKey: string,
  signal: AbortSignal,
): Promise<Response> {
  return open(`/api/conversations/${conversationId}/turns`, {
    method: "POST",
    body,
    headers: { Accept: "text/event-stream", "Idempotency-Key": idempotencyKey },
    deadlineMs: HEAD_DEADLINE_MS,
    signal,
  });
}
