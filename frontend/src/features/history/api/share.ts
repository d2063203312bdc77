import { call } from "@/lib/api/client";
import type { Share } from "@/lib/api/types";

/** Make a link to a conversation as it is now. A former link stops working. */
export function shareConversation(id: string): Promise<Share> {
  return call<Share>(`/api/conversations/${id}/share`, { method: "POST", body: {} });
}
