"use client";

import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { Boxes, Plus } from "lucide-react";
import { AccountFrame } from "@/components/account-frame";
import { Button } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { operation as words } from "@/lib/strings/operation";
import { promotionsQuery } from "../api/promotions";
import { revisionsQuery } from "../api/revisions";
import { EvaluationSets } from "../evaluate/evaluation-sets";
import { byModel } from "../shares";
import { AddRevision } from "./add-revision";
import { ModelCard } from "./model-card";

/** Every model, its revisions, and who gets the traffic: for operators. */
export function ModelsView() {
  const revisions = useQuery(revisionsQuery);
  const promotions = useQuery(promotionsQuery);
  const [adding, setAdding] = useState(false);
  const models = byModel(revisions.data?.items ?? [], promotions.data ?? []);
  return (
    <AccountFrame title={words.title} wide>
      <section className="space-y-6">
        <p className="max-w-(--measure) text-ui text-muted">{words.detail}</p>
        {adding ? (
          <AddRevision like={null} taken={[]} onDone={() => setAdding(false)} />
        ) : (
          <Button onClick={() => setAdding(true)}>
            <Plus aria-hidden className="size-4" />
            {words.add}
          </Button>
        )}
        {revisions.error && !revisions.data && (
          <Problem error={revisions.error} title={words.failed} onRetry={() => void revisions.refetch()} />
        )}
        {promotions.error && !promotions.data && (
          <Problem error={promotions.error} title={words.promotionsFailed} onRetry={() => void promotions.refetch()} />
        )}
        {revisions.isPending && (
          <Skeleton className="space-y-4">
            <Bone className="h-40 w-full" />
            <Bone className="h-40 w-full" />
          </Skeleton>
        )}
        {revisions.data && models.length === 0 && (
          <p className="flex items-center gap-3 rounded-card border border-dashed border-line-strong px-4 py-6 text-muted">
            <Boxes aria-hidden className="size-5 shrink-0" />
            {words.empty}
          </p>
        )}
        {models.map((model) => (
          <ModelCard
            key={model.name}
            model={model}
            fallback={revisions.data?.fallbacks[model.name] ?? null}
            shadow={revisions.data?.shadows[model.name] ?? null}
            others={models.map(({ name }) => name).filter((name) => name !== model.name)}
          />
        ))}
        {revisions.data && <EvaluationSets revisions={revisions.data.items} />}
      </section>
    </AccountFrame>
  );
}
