"use client";

import { useState, type FormEvent } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ModelChoice } from "@/components/model-choice";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import { toApiError } from "@/lib/api/error";
import type { Group } from "@/lib/api/identity-types";
import { queryKeys } from "@/lib/api/query-keys";
import { checkPresent } from "@/lib/credentials";
import { formText, typedNumber } from "@/lib/form";
import { strings } from "@/lib/strings";
import { changeGroup } from "../api/change-group";
import { makeGroup, type GroupWish } from "../api/make-group";

const words = strings.identity.groups;
const PERIODS = ["day", "month"] as const;

interface GroupFormProps {
  /** Null for a new one. */
  group: Group | null;
  onDone: () => void;
}

export function GroupForm({ group, onDone }: GroupFormProps) {
  const client = useQueryClient();
  const [models, setModels] = useState(group?.models ?? null);
  const [wrong, setWrong] = useState<Partial<Record<"name" | "day" | "month", string | undefined>>>({});
  const save = useMutation({
    mutationFn: (wish: GroupWish) => (group === null ? makeGroup(wish) : changeGroup(group.id, wish)),
    onSuccess: () => {
      onDone();
      void client.invalidateQueries({ queryKey: ["people"] });
      return client.invalidateQueries({ queryKey: queryKeys.groups });
    },
  });
  const problem = save.error && toApiError(save.error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const name = formText(data, "name").trim();
    const [day, month] = PERIODS.map((period) => typedNumber(formText(data, period)));
    const found = {
      name: checkPresent(words.name, name),
      day: day === undefined ? words.badNumber : undefined,
      month: month === undefined ? words.badNumber : undefined,
    };
    setWrong(found);
    if (!found.name && day !== undefined && month !== undefined) save.mutate({ name, models, budget: { day, month } });
  }

  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <Field
        label={words.name}
        name="name"
        maxLength={100}
        autoComplete="off"
        autoFocus
        placeholder={words.namePlaceholder}
        defaultValue={group?.name ?? ""}
        error={wrong.name ?? problem?.fields["name"]}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        {PERIODS.map((period) => (
          <Field
            key={period}
            label={words[period]}
            name={period}
            inputMode="numeric"
            autoComplete="off"
            placeholder={words.unbounded}
            defaultValue={group?.budget[period] ?? ""}
            error={wrong[period]}
          />
        ))}
      </div>
      <ModelChoice legend={words.models} all={words.allModels} some={words.someModels} chosen={models} onChange={setModels} />
      {problem && !problem.fields["name"] && <Problem error={save.error} />}
      <div className="flex gap-2">
        <Button type="submit" variant="primary" disabled={save.isPending}>
          {save.isPending ? words.saving : words.save}
        </Button>
        <Button onClick={onDone}>{words.cancel}</Button>
      </div>
    </form>
  );
}
