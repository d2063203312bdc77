"use client";

import { Stages } from "@/components/stages";
import type { Model } from "@/lib/api/types";
import { formatWait } from "@/lib/format";
import { useElapsed } from "@/lib/hooks/use-elapsed";
import { strings } from "@/lib/strings";

const words = strings.models;

/** The way of a model that is not ready yet: its stages, and how long it has been at it. */
export function WakingModel({ model }: { model: Model }) {
  const seconds = useElapsed(model.waking_since === null ? null : Date.parse(model.waking_since));
  return (
    <section
      aria-label={words.waking(model.title)}
      className="mx-auto flex w-full max-w-(--measure) flex-wrap items-center gap-x-4 gap-y-1 px-4 pt-2 text-hint text-muted md:px-1"
    >
      <p className="font-medium text-text" role="status">
        {words.waking(model.title)}
      </p>
      <Stages state={model.state} />
      {model.waking_since !== null && <span className="tabular-nums">{words.wakingFor(formatWait(seconds))}</span>}
      {model.detail !== null && <span className="basis-full">{model.detail}</span>}
    </section>
  );
}
