"use client";

import type { FormEvent } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Area, Field } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { toApiError } from "@/lib/api/error";
import { queryKeys } from "@/lib/api/query-keys";
import type { Prompt } from "@/lib/api/types";
import { formText } from "@/lib/form";
import { strings } from "@/lib/strings";
import { changePrompt } from "../api/change";
import { createPrompt, type PromptFields } from "../api/create";

const words = strings.prompts;

interface PromptFormProps {
  /** The prompt to change; null for a new one. */
  prompt: Prompt | null;
  mayShare: boolean;
  onDone: () => void;
}

export function PromptForm({ prompt, mayShare, onDone }: PromptFormProps) {
  const client = useQueryClient();
  const save = useMutation({
    // Whom a prompt is for is said once, when it is made.
    mutationFn: ({ scope, ...fields }: PromptFields) =>
      prompt ? changePrompt(prompt.id, fields) : createPrompt({ ...fields, scope }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: queryKeys.prompts });
      onDone();
    },
  });
  const fields = save.error ? toApiError(save.error).fields : {};

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    save.mutate({
      name: formText(data, "name").trim(),
      description: formText(data, "description").trim(),
      template: formText(data, "template"),
      scope: mayShare && data.get("everyone") !== null ? "everyone" : "personal",
    });
  }

  return (
    <form onSubmit={submit} className="space-y-4">
      <Field label={words.name} name="name" required maxLength={100} defaultValue={prompt?.name} error={fields["name"]} autoFocus />
      <Field label={words.description} name="description" maxLength={500} defaultValue={prompt?.description ?? ""} error={fields["description"]} />
      <Area
        label={words.template}
        name="template"
        required
        rows={6}
        maxLength={10_000}
        defaultValue={prompt?.template}
        hint={words.templateHint}
        error={fields["template"]}
      />
      {mayShare && prompt === null && (
        <label className="flex items-start gap-2">
          <input type="checkbox" name="everyone" className="mt-1 accent-(--accent)" />
          <span>
            <span className="block font-medium">{words.everyone}</span>
            <span className="block text-hint text-muted">{words.everyoneHint}</span>
          </span>
        </label>
      )}
      {save.error && <Problem error={save.error} title={words.saveFailed} />}
      <Button type="submit" variant="primary" disabled={save.isPending}>
        {save.isPending ? words.saving : words.save}
      </Button>
    </form>
  );
}
