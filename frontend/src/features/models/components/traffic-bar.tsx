import { cn } from "@/lib/cn";
import type { Revision } from "@/lib/api/operation-types";
import { formatNumber } from "@/lib/format";
import { operation as words } from "@/lib/strings/operation";
import { sharesOf } from "../shares";

// One after the other; a model with more revisions under traffic than this repeats them.
const TONES = ["bg-accent", "bg-warning", "bg-success", "bg-line-strong"] as const;

/** Who gets how much of a model's traffic. */
export function TrafficBar({ name, revisions }: { name: string; revisions: readonly Revision[] }) {
  const shares = sharesOf(revisions).map(({ revision, part }, index) => ({
    revision,
    part,
    tone: TONES[index % TONES.length]!,
    says: words.share(revision.revision, `${formatNumber(part * 100, undefined, 1)}%`),
  }));
  if (shares.length === 0) return <p className="text-hint text-muted">{words.noTraffic}</p>;
  return (
    <div role="img" aria-label={`${words.traffic(name)}: ${shares.map(({ says }) => says).join(", ")}`}>
      <div className="flex h-2 gap-0.5 overflow-hidden rounded-full bg-bubble">
        {shares.map(({ revision, part, tone }) => (
          <div key={revision.revision} className={cn("h-full transition-[width]", tone)} style={{ width: `${part * 100}%` }} />
        ))}
      </div>
      <p className="mt-2 flex flex-wrap gap-x-4 text-hint text-muted tabular-nums">
        {shares.map(({ revision, tone, says }) => (
          <span key={revision.revision} className="flex items-center gap-1.5">
            <span className={cn("size-2 rounded-full", tone)} />
            {says}
          </span>
        ))}
      </p>
    </div>
  );
}
