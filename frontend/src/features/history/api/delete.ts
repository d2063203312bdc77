import { call } from "@/lib/api/client";

export function deleteConversation(id: string): Promise<void> {
  return call<void>(`/api/conversations/${id}`, { method: "DELETE" });
}
