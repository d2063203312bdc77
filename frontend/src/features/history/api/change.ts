import { call } from "@/lib/api/client";
import type { Conversation } from "@/lib/api/types";

export type Changes = Partial<Pick<Conversation, "pinned" | "archived">> & { title?: string };

export function changeConversation(id: string, changes: Changes): Promise<Conversation> {
  return call<Conversation>(`/api/conversations/${id}`, { method: "PATCH", body: changes });
}
