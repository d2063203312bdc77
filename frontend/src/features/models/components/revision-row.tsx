import { EllipsisVertical } from "lucide-react";
import { Stages } from "@/components/stages";
import { Button, IconButton } from "@/components/ui/button";
import { Menu, type MenuEntry } from "@/components/ui/menu";
import type { Revision } from "@/lib/api/operation-types";
import { onItsWay } from "@/lib/api/stages";
import { cn } from "@/lib/cn";
import { formatDuration, formatNumber } from "@/lib/format";
import { operation as words } from "@/lib/strings/operation";

interface RevisionRowProps {
  revision: Revision;
  busy: boolean;
  /** A promotion of its model runs: nothing else may move. */
  moving: boolean;
  /** It has all of the traffic: there is nothing to promote. */
  alone: boolean;
  onDeploy: () => void;
  onPromote: () => void;
  onCopy: () => void;
  onLog: () => void;
  onRetire: () => void;
}

const tones: Partial<Record<Revision["state"], string>> = {
  ready: "bg-success-soft text-success",
  failed: "bg-danger-soft text-danger",
  fetching: "bg-warning-soft text-warning",
  starting: "bg-warning-soft text-warning",
  warming: "bg-warning-soft text-warning",
  pending: "bg-warning-soft text-warning",
};

export function RevisionRow({ revision, busy, moving, alone, onDeploy, onPromote, onCopy, onLog, onRetire }: RevisionRowProps) {
  const served = revision.desired === "serving";
  const menu: MenuEntry[] = [
    { kind: "item", label: words.copy(revision.revision), onSelect: onCopy },
    ...(revision.desired === "added" ? [] : ([{ kind: "item", label: words.log, onSelect: onLog }] as const)),
    ...(served && !moving ? ([{ kind: "item", label: words.retire, danger: true, onSelect: onRetire }] as const) : []),
  ];
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 py-3" aria-label={revision.revision}>
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex flex-wrap items-baseline gap-x-3">
          <span className="font-medium break-words">{revision.revision}</span>
          <span className={cn("rounded-full px-2 text-hint", tones[revision.state] ?? "bg-bubble text-muted")}>
            {words.states[revision.state]}
          </span>
        </p>
        {served && onItsWay(revision.state) && (
          <div className="py-1 text-hint text-muted">
            <Stages state={revision.state} />
          </div>
        )}
        {revision.detail && <p className="text-hint break-words text-muted">{revision.detail}</p>}
        {served && <p className="text-hint text-muted tabular-nums">{figuresOf(revision).join(" · ")}</p>}
      </div>
      <div className="flex items-center gap-1">
        {served && revision.state !== "failed" ? (
          !alone && (
            <Button size="sm" disabled={busy || moving} onClick={onPromote}>
              {words.promote}
            </Button>
          )
        ) : (
          <Button size="sm" disabled={busy} onClick={onDeploy}>
            {revision.desired === "added" ? words.deploy : words.again}
          </Button>
        )}
        <Menu
          align="end"
          trigger={
            <IconButton label={words.more(revision.revision)}>
              <EllipsisVertical aria-hidden className="size-4" />
            </IconButton>
          }
          entries={menu}
        />
      </div>
    </li>
  );
}

function figuresOf({ replicas, figures, queue, spec, weights_sha256 }: Revision): string[] {
  const says = [words.replicas(replicas)];
  if (queue && queue.running + queue.waiting > 0) {
    says.push(words.queue(formatNumber(queue.running), formatNumber(queue.waiting)));
  }
  if (figures) {
    says.push(words.requests(formatNumber(figures.requests)));
    if (figures.errors > 0) says.push(words.errors(formatNumber(figures.errors)));
    if (figures.requests > 0) says.push(words.speed(formatNumber(figures.tokens_per_second, undefined, 1)));
    if (figures.wait_p50 !== null && figures.wait_p95 !== null) {
      says.push(words.wait(waitOf(figures.wait_p50), waitOf(figures.wait_p95)));
    }
    if (figures.up + figures.down > 0) says.push(words.thumbs(figures.up, figures.down));
  }
  const prices = spec["prices"] as { prompt?: number; completion?: number } | undefined;
  if (prices?.prompt || prices?.completion) {
    says.push(words.prices(priceOf(prices.prompt), priceOf(prices.completion)));
  }
  if (weights_sha256) says.push(words.weights(weights_sha256));
  return says;
}

const waitOf = (seconds: number) => formatDuration(Math.round(seconds * 1000));
const priceOf = (price: number | undefined) => formatNumber(price ?? 0, undefined, 2);
