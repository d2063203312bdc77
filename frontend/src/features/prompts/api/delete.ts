import { call } from "@/lib/api/client";

export function deletePrompt(id: string): Promise<void> {
  return call<void>(`/api/prompts/${id}`, { method: "DELETE" });
}
