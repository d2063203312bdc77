import { call } from "@/lib/api/client";
import type { Job } from "@/lib/api/types";

/** Ask for a summary of what the last answer could not read. Asked again with the same key it is the same job. */
export function summarise(conversationId: string, idempotencyKey: string): Promise<Job> {
  return call<Job>("/api/jobs", {
    method: "POST",
    body: { kind: "summary", conversation_id: conversationId },
    headers: { "Idempotency-Key": idempotencyKey },
  });
}
