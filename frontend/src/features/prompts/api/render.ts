import { call } from "@/lib/api/client";

/** A prompt's text with its variables filled in. */
export function renderPrompt(id: string, variables: Record<string, string>): Promise<{ text: string }> {
  return call<{ text: string }>(`/api/prompts/${id}/render`, { method: "POST", body: { variables } });
}
