import { call } from "@/lib/api/client";
import type { Conversation } from "@/lib/api/types";

export function renameConversation(id: string, title: string): Promise<Conversation> {
  return call<Conversation>(`/api/conversations/${id}`, { method: "PATCH", body: { title } });
}
