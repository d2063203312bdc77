import { call } from "@/lib/api/client";
import type { Conversation, Parameters } from "@/lib/api/types";

interface Changes {
  system_prompt?: string | null;
  parameters?: Parameters;
  summarise?: boolean;
}

export function changeConversation(id: string, changes: Changes): Promise<Conversation> {
  return call<Conversation>(`/api/conversations/${id}`, { method: "PATCH", body: changes });
}
