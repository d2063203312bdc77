import type { Message } from "@/lib/api/types";
import { formatDuration, formatMoment, formatNumber } from "@/lib/format";
import { strings } from "@/lib/strings";
import { answerFacts } from "../facts";

/** The figures behind an answer. */
export function AnswerDetails({ message, modelTitle }: { message: Message; modelTitle: string }) {
  const words = strings.details;
  const facts = answerFacts(message);
  const rows: [string, string | null][] = [
    [words.model, modelTitle],
    [words.revision, facts.revision],
    [words.ttft, facts.ttftMs === null ? null : formatDuration(facts.ttftMs)],
    [words.duration, facts.durationMs === null ? null : formatDuration(facts.durationMs)],
    [
      words.speed,
      facts.tokensPerSecond === null ? null : words.perSecond(formatNumber(facts.tokensPerSecond, undefined, 1)),
    ],
    [words.prompt, facts.promptTokens === null ? null : words.tokens(formatNumber(facts.promptTokens))],
    [words.completion, facts.completionTokens === null ? null : words.tokens(formatNumber(facts.completionTokens))],
    [words.ended, facts.ended === null ? null : (words.reasons[facts.ended] ?? facts.ended)],
    [words.created, formatMoment(message.created_at)],
    ...(facts.failure === null ? [] : [[words.failure, facts.failure] satisfies [string, string]]),
    ...(facts.trimmed === 0 ? [] : [[words.leftOut, words.leftOutCount(facts.trimmed)] satisfies [string, string]]),
    ...(facts.summarised === 0 ? [] : [[words.summarised, words.leftOutCount(facts.summarised)] satisfies [string, string]]),
  ];
  return (
    <dl
      aria-label={words.title}
      className="mt-1 grid grid-cols-[auto_1fr] gap-x-6 gap-y-1 rounded-control border border-line px-4 py-3 text-hint tabular-nums sm:grid-cols-[auto_1fr_auto_1fr]"
    >
      {rows.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd>{value ?? words.unknown}</dd>
        </div>
      ))}
    </dl>
  );
}
