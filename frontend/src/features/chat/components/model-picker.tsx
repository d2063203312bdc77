"use client";

import { ChevronDown } from "lucide-react";
import { Menu } from "@/components/ui/menu";
import type { Model, ModelState } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { formatNumber } from "@/lib/format";
import { strings } from "@/lib/strings";

const dots: Record<ModelState, string> = {
  pending: "bg-warning",
  fetching: "bg-warning animate-pulse",
  starting: "bg-warning animate-pulse",
  warming: "bg-warning animate-pulse",
  ready: "bg-success",
  draining: "bg-line-strong",
  failed: "bg-danger",
};

interface ModelPickerProps {
  models: Model[];
  selected: Model | null;
  onSelect: (name: string) => void;
}

export function ModelPicker({ models, selected, onSelect }: ModelPickerProps) {
  const label = selected?.title ?? strings.models.none;
  return (
    <Menu
      side="top"
      className="w-80 max-w-[calc(100vw-16px)]"
      trigger={
        <button
          type="button"
          aria-label={`${strings.models.picker}: ${label}`}
          disabled={models.length === 0}
          className="flex h-8 min-w-0 items-center gap-2 rounded-control px-2 text-hint text-muted hover:bg-hover hover:text-text disabled:opacity-60"
        >
          {selected && <span aria-hidden className={cn("size-2 shrink-0 rounded-full", dots[selected.state])} />}
          <span className="truncate">{label}</span>
          <ChevronDown aria-hidden className="size-3.5 shrink-0" />
        </button>
      }
      entries={[
        {
          kind: "choices",
          value: selected?.name ?? "",
          onSelect,
          choices: models.map((model) => ({
            value: model.name,
            disabled: model.state === "failed",
            content: <Choice model={model} />,
          })),
        },
      ]}
    />
  );
}

function Choice({ model }: { model: Model }) {
  return (
    <>
      <span className="flex items-center gap-2">
        <span aria-hidden className={cn("size-2 shrink-0 rounded-full", dots[model.state])} />
        <span className="truncate font-medium">{model.title}</span>
      </span>
      <span className="mt-0.5 block pl-4 text-hint text-muted">{describe(model)}</span>
    </>
  );
}

function describe(model: Model): string {
  if (model.state === "ready") {
    return model.description || strings.models.context(formatNumber(model.context_window));
  }
  const state = strings.models.states[model.state];
  return model.detail ? strings.models.withDetail(state, model.detail) : state;
}
