"use client";

import { Check } from "lucide-react";
import type { Model, ModelState } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { formatWait } from "@/lib/format";
import { useElapsed } from "@/lib/hooks/use-elapsed";
import { strings } from "@/lib/strings";

const stages = ["pending", "starting", "warming", "ready"] as const satisfies readonly ModelState[];
const words = strings.models;

/** The way of a model that is not ready yet: its stages, and how long it has been at it. */
export function WakingModel({ model }: { model: Model }) {
  const seconds = useElapsed(model.waking_since === null ? null : Date.parse(model.waking_since));
  const at = stages.findIndex((stage) => stage === model.state);
  return (
    <section
      aria-label={words.waking(model.title)}
      className="mx-auto flex w-full max-w-(--measure) flex-wrap items-center gap-x-4 gap-y-1 px-4 pt-2 text-hint text-muted md:px-1"
    >
      <p className="font-medium text-text" role="status">
        {words.waking(model.title)}
      </p>
      <ol className="flex flex-wrap items-center gap-x-3 gap-y-1">
        {stages.map((stage, index) => (
          <li
            key={stage}
            aria-current={index === at ? "step" : undefined}
            className={cn("flex items-center gap-1.5", index === at && "text-text")}
          >
            {index < at ? (
              <Check aria-hidden className="size-3.5 text-success" />
            ) : (
              <span
                aria-hidden
                className={cn("size-2 rounded-full", index === at ? "animate-pulse bg-warning" : "border border-line-strong")}
              />
            )}
            {words.states[stage]}
          </li>
        ))}
      </ol>
      {model.waking_since !== null && <span className="tabular-nums">{words.wakingFor(formatWait(seconds))}</span>}
      {model.detail !== null && <span className="basis-full">{model.detail}</span>}
    </section>
  );
}
