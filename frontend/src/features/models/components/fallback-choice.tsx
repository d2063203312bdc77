import { useId } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { inputStyle } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { cn } from "@/lib/cn";
import { queryKeys } from "@/lib/api/query-keys";
import { operation as words } from "@/lib/strings/operation";
import { setFallback } from "../api/set-fallback";

interface FallbackChoiceProps {
  name: string;
  fallback: string | null;
  others: readonly string[];
}

/** Which model answers in this one's place while nobody answers for it. */
export function FallbackChoice({ name, fallback, others }: FallbackChoiceProps) {
  const id = useId();
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: (other: string | null) => setFallback(name, other),
    onSettled: () => client.invalidateQueries({ queryKey: queryKeys.revisions }),
  });
  return (
    <div className="space-y-2">
      <div className="flex flex-wrap items-center gap-2 text-hint">
        <label htmlFor={id} className="text-muted">
          {words.fallback}
        </label>
        <span className="w-48">
          <select
            id={id}
            value={fallback ?? ""}
            disabled={save.isPending}
            onChange={(event) => save.mutate(event.target.value || null)}
            className={cn(inputStyle, "h-8")}
          >
            <option value="">{words.nobody}</option>
            {others.map((other) => (
              <option key={other}>{other}</option>
            ))}
          </select>
        </span>
      </div>
      {save.error && <Problem error={save.error} />}
    </div>
  );
}
