import { open } from "@/lib/api/client";

/** A model that wakes or a long queue may take this long to begin. */
const HEAD_DEADLINE_MS = 120_000;

/** One revision's answer to a prompt, in chunks as `/v1` streams them. */
export function askRevision(name: string, revision: string, prompt: string, signal: AbortSignal): Promise<Response> {
  return open(`/api/admin/models/${name}/${revision}/answers`, {
    method: "POST",
    body: { prompt },
    headers: { Accept: "text/event-stream" },
    deadlineMs: HEAD_DEADLINE_MS,
    signal,
  });
}
