import { call } from "@/lib/api/client";
import type { Message, Rating } from "@/lib/api/types";

export function rateAnswer({ conversation_id, id }: Message, rating: Rating | null): Promise<void> {
  return call<void>(`/api/conversations/${conversation_id}/messages/${id}`, { method: "PATCH", body: { rating } });
}
