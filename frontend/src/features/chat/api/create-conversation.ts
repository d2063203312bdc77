import { call } from "@/lib/api/client";
import type { Conversation } from "@/lib/api/types";

export function createConversation(model: string): Promise<Conversation> {
  return call<Conversation>("/api/conversations", { method: "POST", body: { model } });
}
