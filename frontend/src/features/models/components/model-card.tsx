"use client";

import { useState } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Columns2, Split, Undo2 } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import type { Revision, Shadow } from "@/lib/api/operation-types";
import { queryKeys } from "@/lib/api/query-keys";
import { operation as words } from "@/lib/strings/operation";
import { deployRevision } from "../api/deploy-revision";
import { rollBack } from "../api/roll-back";
import { CompareForm } from "../compare/compare-form";
import { ShadowPanel } from "../shadow/shadow-panel";
import type { ModelRevisions } from "../shares";
import { AddRevision } from "./add-revision";
import { FallbackChoice } from "./fallback-choice";
import { PromoteForm } from "./promote-form";
import { PromotionProgress } from "./promotion-progress";
import { Receipts } from "./receipts";
import { RetireConfirm } from "./retire-confirm";
import { RevisionLog } from "./revision-log";
import { RevisionRow } from "./revision-row";
import { SplitForm } from "./split-form";
import { TrafficBar } from "./traffic-bar";

/** What is open under the card's head. */
type Open = { kind: "split" | "compare" } | { kind: "promote" | "copy" | "log"; revision: Revision } | null;

interface ModelCardProps {
  model: ModelRevisions;
  fallback: string | null;
  shadow: Shadow | null;
  /** The names of the other models. */
  others: readonly string[];
}

export function ModelCard({ model, fallback, shadow, others }: ModelCardProps) {
  const client = useQueryClient();
  const [open, setOpen] = useState<Open>(null);
  const [retiring, setRetiring] = useState<Revision | null>(null);
  const act = useMutation({
    mutationFn: (wanted: () => Promise<unknown>) => wanted(),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: queryKeys.promotions });
      return client.invalidateQueries({ queryKey: queryKeys.revisions });
    },
  });
  const running = model.promotions.find(({ ended_at }) => ended_at === null);
  const over = model.promotions.filter(({ ended_at }) => ended_at !== null);
  const current = model.revisions.filter(({ state }) => state !== "retired");
  const earlier = model.revisions.filter(({ state }) => state === "retired");
  const ready = current.filter(({ state, desired }) => state === "ready" && desired === "serving");
  const close = () => setOpen(null);
  const row = (revision: Revision) => (
    <RevisionRow
      key={revision.revision}
      revision={revision}
      busy={act.isPending}
      moving={running !== undefined}
      alone={revision.weight > 0 && model.revisions.every((other) => other === revision || other.weight === 0)}
      onDeploy={() => act.mutate(() => deployRevision(revision))}
      onPromote={() => setOpen({ kind: "promote", revision })}
      onCopy={() => setOpen({ kind: "copy", revision })}
      onLog={() => setOpen({ kind: "log", revision })}
      onRetire={() => setRetiring(revision)}
    />
  );
  return (
    <article aria-label={model.name} className="rounded-card border border-line">
      <header className="flex flex-wrap items-center gap-2 px-4 pt-4">
        <h2 className="min-w-0 flex-1 basis-40 text-reading font-semibold break-words">
          {model.title} <span className="font-normal text-muted">{model.name}</span>
        </h2>
        {ready.length > 1 && (
          <Button size="sm" onClick={() => setOpen({ kind: "compare" })}>
            <Columns2 aria-hidden className="size-3.5" />
            {words.compare}
          </Button>
        )}
        {ready.length > 1 && !running && (
          <Button size="sm" onClick={() => setOpen({ kind: "split" })}>
            <Split aria-hidden className="size-3.5" />
            {words.split}
          </Button>
        )}
        {!running && over.some(({ state }) => state === "promoted") && (
          <Button size="sm" disabled={act.isPending} onClick={() => act.mutate(() => rollBack(model.name))}>
            <Undo2 aria-hidden className="size-3.5" />
            {words.undo}
          </Button>
        )}
      </header>
      <div className="space-y-4 px-4 pt-3 pb-4">
        <TrafficBar name={model.name} revisions={model.revisions} />
        {act.error && <Problem error={act.error} />}
        {running && (
          <PromotionProgress
            promotion={running}
            busy={act.isPending}
            onRollBack={() => act.mutate(() => rollBack(model.name))}
          />
        )}
        {open?.kind === "compare" && <CompareForm name={model.name} revisions={ready} onDone={close} />}
        {open?.kind === "split" && <SplitForm name={model.name} revisions={ready} onDone={close} />}
        {open?.kind === "promote" && <PromoteForm revision={open.revision} onDone={close} />}
        {open?.kind === "copy" && (
          <AddRevision like={open.revision} taken={model.revisions.map(({ revision }) => revision)} onDone={close} />
        )}
        <ul className="divide-y divide-line">{current.map(row)}</ul>
        {earlier.length > 0 && (
          <details>
            <summary className="w-fit cursor-pointer text-hint text-muted">{words.earlier(earlier.length)}</summary>
            <ul className="divide-y divide-line">{earlier.map(row)}</ul>
          </details>
        )}
        {over.length > 0 && <Receipts promotions={over} />}
        {(current.length > 1 || shadow) && (
          <ShadowPanel name={model.name} shadow={shadow} revisions={ready.map(({ revision }) => revision)} />
        )}
        {others.length > 0 && current.length > 0 && <FallbackChoice name={model.name} fallback={fallback} others={others} />}
      </div>
      <RetireConfirm model={model} revision={retiring} onClose={() => setRetiring(null)} onRetire={act.mutate} />
      {open?.kind === "log" && <RevisionLog revision={open.revision} onClose={close} />}
    </article>
  );
}
