"use client";

import { useEffect, useRef, type FormEvent } from "react";
import { useMutation } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Area } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import type { Prompt } from "@/lib/api/types";
import { formText } from "@/lib/form";
import { strings } from "@/lib/strings";
import { renderPrompt } from "../api/render";

const words = strings.prompts;

/** Asks for a prompt's variables and puts its words into the composer; one without variables goes there at once. */
export function PromptFill({ prompt, onInsert }: { prompt: Prompt; onInsert: (text: string) => void }) {
  const { mutate, error, isPending } = useMutation({
    mutationFn: (variables: Record<string, string>) => renderPrompt(prompt.id, variables),
    onSuccess: ({ text }) => onInsert(text),
  });
  const plain = prompt.variables.length === 0;
  const begun = useRef(false);
  useEffect(() => {
    if (!plain || begun.current) return;
    begun.current = true;
    mutate({});
  }, [plain, mutate]);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    mutate(Object.fromEntries(prompt.variables.map((name) => [name, formText(data, name)])));
  }

  return (
    <form onSubmit={submit} className="space-y-4">
      <h3 className="font-medium">{words.fill(prompt.name)}</h3>
      {prompt.variables.map((name, index) => (
        <Area key={name} label={name} name={name} required rows={2} maxLength={20_000} autoFocus={index === 0} />
      ))}
      {error && (
        <Problem error={error} title={words.renderFailed} {...(plain ? { onRetry: () => mutate({}) } : {})} />
      )}
      <Button type="submit" variant="primary" disabled={isPending}>
        {words.insert}
      </Button>
    </form>
  );
}
