"use client";

import { useState } from "react";
import { useMutation, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { Button, IconButton } from "@/components/ui/button";
import { inputStyle } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { queryKeys } from "@/lib/api/query-keys";
import type { Prompt } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { strings } from "@/lib/strings";
import { deletePrompt } from "../api/delete";

const words = strings.prompts;

interface PromptListProps {
  prompts: UseQueryResult<Prompt[]>;
  mayChange: (prompt: Prompt) => boolean;
  onNew: () => void;
  onEdit: (prompt: Prompt) => void;
  onUse: (prompt: Prompt) => void;
}

export function PromptList({ prompts, mayChange, onNew, onEdit, onUse }: PromptListProps) {
  const client = useQueryClient();
  const [filter, setFilter] = useState("");
  const [asked, setAsked] = useState<string | null>(null);
  const remove = useMutation({
    mutationFn: deletePrompt,
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.prompts }),
  });
  const needle = filter.trim().toLocaleLowerCase();
  const all = prompts.data ?? [];
  const shown = all.filter(({ name, description }) => `${name} ${description ?? ""}`.toLocaleLowerCase().includes(needle));

  return (
    <div className="space-y-3">
      <div className="flex gap-2">
        {all.length > 0 && (
          <input
            aria-label={words.filter}
            placeholder={words.filter}
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
            className={cn(inputStyle, "h-10")}
          />
        )}
        <Button variant="primary" className="shrink-0" onClick={onNew}>
          <Plus aria-hidden className="size-4" />
          {words.new}
        </Button>
      </div>
      {remove.error && <Problem error={remove.error} title={words.deleteFailed} />}
      {prompts.isPending && (
        <Skeleton className="space-y-2">
          <Bone className="h-14 w-full" />
          <Bone className="h-14 w-full" />
        </Skeleton>
      )}
      {prompts.error && !prompts.data && (
        <Problem error={prompts.error} title={words.failed} onRetry={() => void prompts.refetch()} />
      )}
      {prompts.data?.length === 0 && <p className="text-muted">{words.empty}</p>}
      {all.length > 0 && shown.length === 0 && <p className="text-muted">{words.noMatch}</p>}
      <ul className="-mx-2">
        {shown.map((prompt) => (
          <li key={prompt.id} className="flex items-center gap-1 rounded-control hover:bg-hover">
            <button
              type="button"
              aria-label={words.use(prompt.name)}
              onClick={() => onUse(prompt)}
              className="min-w-0 flex-1 rounded-control px-2 py-2 text-left outline-offset-[-2px]"
            >
              <span className="flex items-center gap-2">
                <span className="truncate font-medium">{prompt.name}</span>
                {prompt.scope === "everyone" && (
                  <span className="shrink-0 rounded-full bg-accent-soft px-2 text-hint text-accent">{words.forEveryone}</span>
                )}
              </span>
              <span className="block truncate text-hint text-muted">{prompt.description || prompt.template}</span>
            </button>
            {mayChange(prompt) &&
              (asked === prompt.id ? (
                <Button
                  size="sm"
                  variant="danger"
                  autoFocus
                  disabled={remove.isPending}
                  aria-label={`${words.confirmDelete} ${words.delete(prompt.name)}`}
                  onBlur={() => setAsked(null)}
                  onClick={() => remove.mutate(prompt.id)}
                >
                  {words.confirmYes}
                </Button>
              ) : (
                <>
                  <IconButton label={words.edit(prompt.name)} size="sm" onClick={() => onEdit(prompt)}>
                    <Pencil aria-hidden className="size-3.5" />
                  </IconButton>
                  <IconButton label={words.delete(prompt.name)} size="sm" onClick={() => setAsked(prompt.id)}>
                    <Trash2 aria-hidden className="size-3.5" />
                  </IconButton>
                </>
              ))}
          </li>
        ))}
      </ul>
    </div>
  );
}
