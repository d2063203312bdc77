import { call } from "@/lib/api/client";

export function unshareConversation(id: string): Promise<void> {
  return call<void>(`/api/conversations/${id}/share`, { method: "DELETE" });
}
