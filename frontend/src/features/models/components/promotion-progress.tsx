import { Undo2 } from "lucide-react";
import { Button } from "@/components/ui/button";
import type { Promotion } from "@/lib/api/operation-types";
import { operation as words } from "@/lib/strings/operation";

interface PromotionProgressProps {
  promotion: Promotion;
  busy: boolean;
  onRollBack: () => void;
}

/** A promotion that runs: where it is, and the way back. */
export function PromotionProgress({ promotion, busy, onRollBack }: PromotionProgressProps) {
  const percent = promotion.state === "draining" ? 100 : (promotion.plan.steps[promotion.step] ?? 0);
  return (
    <section aria-label={words.promotionOf(promotion.revision)} className="rounded-control bg-bubble px-3 py-3">
      <div className="flex flex-wrap items-center gap-2">
        <p className="min-w-0 flex-1 basis-56 font-medium" aria-live="polite">
          {words.promotionOf(promotion.revision)}: {words.promotionStates[promotion.state]}
        </p>
        {promotion.state !== "draining" && (
          <Button size="sm" disabled={busy} onClick={onRollBack}>
            <Undo2 aria-hidden className="size-3.5" />
            {words.rollBack}
          </Button>
        )}
      </div>
      <div
        role="progressbar"
        aria-label={words.promotionOf(promotion.revision)}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        className="mt-2 h-2 overflow-hidden rounded-full bg-page"
      >
        <div className="h-full bg-accent transition-[width]" style={{ width: `${percent}%` }} />
      </div>
      {promotion.detail && <p className="mt-2 text-hint text-muted tabular-nums">{promotion.detail}</p>}
      {promotion.steps.length > 0 && (
        <ul className="mt-1 text-hint text-muted tabular-nums">
          {promotion.steps.map((step) => (
            <li key={step.percent}>{words.stepDone(step.percent, step.requests, step.errors)}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
