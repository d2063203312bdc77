"use client";

import { useState, type FormEvent, type RefObject } from "react";
import { useMutation } from "@tanstack/react-query";
import { ModelChoice } from "@/components/model-choice";
import { Button } from "@/components/ui/button";
import { inputStyle } from "@/components/ui/field";
import { Problem } from "@/components/ui/problem";
import type { CreatedApiKey } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { formText, typedNumber } from "@/lib/form";
import { strings } from "@/lib/strings";
import { createKey } from "../api/create-key";

const words = strings.account;
const EXPIRIES = [
  ["", words.keyExpiries.never],
  ["30", words.keyExpiries.d30],
  ["90", words.keyExpiries.d90],
  ["365", words.keyExpiries.d365],
] as const;
const MOST_REQUESTS = 1_000_000;
const SCOPES = ["inference", "usage"] as const;

interface KeyFormProps {
  nameInput: RefObject<HTMLInputElement | null>;
  onCreated: (key: CreatedApiKey) => void;
}

export function KeyForm({ nameInput, onCreated }: KeyFormProps) {
  const [models, setModels] = useState<string[] | null>(null);
  const [wrong, setWrong] = useState<string>();
  const create = useMutation({ mutationFn: createKey, onSuccess: onCreated });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const name = formText(data, "name").trim();
    const days = Number(formText(data, "expiry"));
    const scopes = SCOPES.filter((scope) => data.get(scope) !== null);
    if (name === "") {
      nameInput.current?.focus();
      return;
    }
    const requests = typedNumber(formText(data, "requests"));
    const error = whatIsWrong(scopes, models, requests);
    setWrong(error);
    if (error || requests === undefined) return;
    create.mutate(
      { name, scopes, models, requests_per_minute: requests, ...(days > 0 ? { expires_in_days: days } : {}) },
      {
        onSuccess: () => {
          form.reset();
          setModels(null);
        },
      },
    );
  }

  return (
    <form onSubmit={submit} className="space-y-4">
      <div className="flex flex-wrap items-end gap-3">
        <label className="min-w-48 flex-1">
          <span className="mb-1 block font-medium">{words.keyName}</span>
          <input
            ref={nameInput}
            name="name"
            required
            maxLength={100}
            autoComplete="off"
            placeholder={words.keyNamePlaceholder}
            className={cn(inputStyle, "h-10")}
          />
        </label>
        <label>
          <span className="mb-1 block font-medium">{words.keyExpiry}</span>
          <select name="expiry" defaultValue="90" className={cn(inputStyle, "h-10 w-36")}>
            {EXPIRIES.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <Button type="submit" variant="primary" disabled={create.isPending}>
          {create.isPending ? words.creatingKey : words.createKey}
        </Button>
      </div>
      <details>
        <summary className="w-fit cursor-pointer text-ui text-muted hover:text-text">{words.keyMore}</summary>
        <div className="mt-3 grid gap-4 sm:grid-cols-2">
          <fieldset>
            <legend className="mb-1 text-ui font-medium">{words.keyScopes}</legend>
            {SCOPES.map((scope) => (
              <label key={scope} className="flex w-fit items-center gap-2 py-1">
                <input type="checkbox" name={scope} defaultChecked={scope === "inference"} className="size-4 accent-accent" />
                {words.keyScope[scope]}
              </label>
            ))}
          </fieldset>
          <ModelChoice
            legend={words.keyModelsOf}
            all={words.keyAllModels}
            some={words.keySomeModels}
            chosen={models}
            onChange={setModels}
          />
          <label className="block w-60">
            <span className="mb-1 block text-ui font-medium">{words.keyRequests}</span>
            <input
              name="requests"
              inputMode="numeric"
              autoComplete="off"
              placeholder={words.keyRequestsPlaceholder}
              className={cn(inputStyle, "h-10")}
            />
          </label>
        </div>
      </details>
      <div role="alert">{wrong && <p className="text-hint text-danger">{wrong}</p>}</div>
      {create.error && <Problem error={create.error} />}
    </form>
  );
}

function whatIsWrong(scopes: readonly string[], models: readonly string[] | null, requests: number | null | undefined) {
  if (scopes.length === 0) return words.keyNoScope;
  if (models?.length === 0) return words.keyNoModel;
  if (requests === undefined || (requests !== null && (requests < 1 || requests > MOST_REQUESTS)))
    return words.keyRequestsWrong;
  return undefined;
}
