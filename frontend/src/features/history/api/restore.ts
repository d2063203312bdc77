import { call } from "@/lib/api/client";
import type { Conversation } from "@/lib/api/types";

/** Take back a deletion, while the server still keeps the conversation. */
export function restoreConversation(id: string): Promise<Conversation> {
  return call<Conversation>(`/api/conversations/${id}/restore`, { method: "POST", body: {} });
}
