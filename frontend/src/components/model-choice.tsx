"use client";

import { useId } from "react";
import { useQuery } from "@tanstack/react-query";
import { modelsQuery } from "@/lib/api/models";
import { strings } from "@/lib/strings";
import { Problem } from "./ui/problem";

interface ModelChoiceProps {
  legend: string;
  /** What is said beside the first choice: all of them. */
  all: string;
  /** What is said beside the second: only those that are ticked. */
  some: string;
  /** Null for all of them. */
  chosen: readonly string[] | null;
  onChange: (chosen: string[] | null) => void;
}

/** All models, or those that are ticked. Names that are chosen stay to be seen when their models are gone. */
export function ModelChoice({ legend, all, some, chosen, onChange }: ModelChoiceProps) {
  const id = useId();
  const models = useQuery(modelsQuery);
  const known = new Map((models.data ?? []).map(({ name, title }) => [name, title]));
  const names = [...new Set([...known.keys(), ...(chosen ?? [])])];
  const row = "flex w-fit items-center gap-2 py-1";
  return (
    <fieldset>
      <legend className="mb-1 text-ui font-medium">{legend}</legend>
      <label className={row}>
        <input type="radio" name={id} checked={chosen === null} onChange={() => onChange(null)} className="size-4 accent-accent" />
        {all}
      </label>
      <label className={row}>
        <input type="radio" name={id} checked={chosen !== null} onChange={() => onChange([])} className="size-4 accent-accent" />
        {some}
      </label>
      {chosen !== null && (
        <div className="ml-6">
          {models.error && !models.data && (
            <Problem error={models.error} title={strings.models.failed} onRetry={() => void models.refetch()} />
          )}
          {names.map((name) => (
            <label key={name} className={row}>
              <input
                type="checkbox"
                checked={chosen.includes(name)}
                onChange={(event) =>
                  onChange(event.target.checked ? [...chosen, name] : chosen.filter((other) => other !== name))
                }
                className="size-4 accent-accent"
              />
              {known.get(name) ?? name}
            </label>
          ))}
        </div>
      )}
    </fieldset>
  );
}
