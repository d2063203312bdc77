import { call } from "@/lib/api/client";
import type { Prompt } from "@/lib/api/types";

export type PromptFields = Pick<Prompt, "name" | "template" | "scope"> & { description: string };

export function createPrompt(fields: PromptFields): Promise<Prompt> {
  return call<Prompt>("/api/prompts", { method: "POST", body: fields });
}
