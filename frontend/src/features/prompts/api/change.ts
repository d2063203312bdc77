import { call } from "@/lib/api/client";
import type { Prompt } from "@/lib/api/types";
import type { PromptFields } from "./create";

export function changePrompt(id: string, fields: Omit<PromptFields, "scope">): Promise<Prompt> {
  return call<Prompt>(`/api/prompts/${id}`, { method: "PATCH", body: fields });
}
