import { call } from "@/lib/api/client";
import type { Conversation } from "@/lib/api/types";

/** Show the branch of a conversation that goes through a message, to its newest end. */
export function showBranch(conversationId: string, messageId: string): Promise<Conversation> {
  return call<Conversation>(`/api/conversations/${conversationId}/head`, {
    method: "POST",
    body: { message_id: messageId },
  });
}
