"use client";

import { useId, useState, type FormEvent } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Field, inputStyle } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { cn } from "@/lib/cn";
import type { Shadow } from "@/lib/api/operation-types";
import { queryKeys } from "@/lib/api/query-keys";
import { formText, typedNumber } from "@/lib/form";
import { operation as words } from "@/lib/strings/operation";
import { setShadow } from "../api/set-shadow";

const USUAL_PERCENT = 10;

interface ShadowFormProps {
  name: string;
  shadow: Shadow | null;
  /** Those that run. */
  revisions: readonly string[];
}

/** Which revision is asked again, how often, and whether what is said is kept. */
export function ShadowForm({ name, shadow, revisions }: ShadowFormProps) {
  const id = useId();
  const client = useQueryClient();
  const [wrong, setWrong] = useState(false);
  const save = useMutation({
    mutationFn: (wanted: Shadow | null) => setShadow(name, wanted),
    onSettled: () => client.invalidateQueries({ queryKey: queryKeys.revisions }),
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const revision = formText(data, "revision");
    const percent = typedNumber(formText(data, "percent")) ?? 0;
    const bad = revision !== "" && (!Number.isInteger(percent) || percent < 1 || percent > 100);
    setWrong(bad);
    if (!bad) save.mutate(revision === "" ? null : { revision, percent, keep_texts: data.has("keep_texts") });
  }

  return (
    <form onSubmit={submit} noValidate aria-label={words.shadowTitle} className="space-y-4">
      <p className="max-w-(--measure) text-hint text-muted">{words.shadowDetail}</p>
      <div className="grid gap-4 sm:grid-cols-3">
        <div>
          <label htmlFor={id} className="mb-1 block text-ui font-medium">
            {words.shadowRevision}
          </label>
          <select id={id} name="revision" defaultValue={shadow?.revision ?? ""} className={cn(inputStyle, "h-11 text-reading")}>
            <option value="">{words.noShadow}</option>
            {revisions.map((revision) => (
              <option key={revision}>{revision}</option>
            ))}
          </select>
        </div>
        <Field
          label={words.shadowPercent}
          name="percent"
          inputMode="numeric"
          autoComplete="off"
          defaultValue={shadow?.percent ?? USUAL_PERCENT}
          error={wrong ? words.badShadowPercent : undefined}
        />
      </div>
      <label className="flex items-start gap-2 text-ui">
        <input type="checkbox" name="keep_texts" defaultChecked={shadow?.keep_texts ?? false} className="mt-1 size-4 shrink-0 accent-accent" />
        <span>
          {words.keepTexts}
          <span className="block text-hint text-muted">{words.keepTextsHint}</span>
        </span>
      </label>
      {save.error && <Problem error={save.error} />}
      <div className="flex items-center gap-3">
        <Button type="submit" size="sm" disabled={save.isPending}>
          {save.isPending ? words.applying : words.apply}
        </Button>
        <p role="status" className="text-hint text-muted">
          {save.isSuccess && words.shadowKept}
        </p>
      </div>
    </form>
  );
}
