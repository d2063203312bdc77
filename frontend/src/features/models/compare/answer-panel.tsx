import { Problem } from "@/components/ui/problem";
import { formatDuration, formatNumber } from "@/lib/format";
import { operation as words } from "@/lib/strings/operation";
import type { Side } from "./use-two-answers";

/** One of two answers; whose it is, and how long it took, is told when it was judged. */
export function AnswerPanel({ title, side, revealed }: { title: string; side: Side; revealed: boolean }) {
  const { progress, running, error } = side;
  return (
    <section aria-label={title} aria-busy={running} className="min-w-0 rounded-control border border-line">
      <h4 className="flex items-baseline justify-between gap-2 border-b border-line px-3 py-2 text-ui font-medium">
        {title}
        {revealed && <span className="font-normal text-muted">{side.revision}</span>}
      </h4>
      <div className="max-h-96 min-h-24 overflow-y-auto px-3 py-2" tabIndex={0} role="region" aria-label={words.textOf(title)}>
        {progress.text === "" && running && <p className="text-hint text-muted">{words.waiting}</p>}
        <p className="break-words whitespace-pre-wrap">{progress.text}</p>
        {progress.text === "" && !running && error === null && <p className="text-hint text-muted">{words.saidNothing}</p>}
        {error && <Problem error={error} />}
      </div>
      {revealed && (
        <p className="border-t border-line px-3 py-2 text-hint text-muted tabular-nums">
          {words.took(
            formatDuration(progress.firstMs ?? 0),
            formatDuration(progress.durationMs ?? 0),
            formatNumber(progress.completionTokens ?? 0),
          )}
        </p>
      )}
    </section>
  );
}
