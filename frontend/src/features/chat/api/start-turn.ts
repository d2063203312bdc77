import { open } from "@/lib/api/client";

const HEAD_DEADLINE_MS = 30_000;

/** Send a message and get the answer's event stream at once. Never repeated by itself: it is not idempotent. */
export function startTurn(
  conversationId: string,
  body: { content: string; model: string },
  signal: AbortSignal,
): Promise<Response> {
  return open(`/api/conversations/${conversationId}/turns`, {
    method: "POST",
    body,
    headers: { Accept: "text/event-stream" },
    deadlineMs: HEAD_DEADLINE_MS,
    signal,
  });
}
