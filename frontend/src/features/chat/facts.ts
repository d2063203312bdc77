import type { Message } from "@/lib/api/types";

export interface AnswerFacts {
  ttftMs: number | null;
  durationMs: number | null;
  promptTokens: number | null;
  completionTokens: number | null;
  /** Tokens a second while text was coming: after the first token, not counting the wait for it. */
  tokensPerSecond: number | null;
  /** A finish reason, or the status where there is none. */
  ended: string | null;
  revision: string | null;
  /** Why it failed, in a sentence; null when it did not. */
  failure: string | null;
  /** Older messages that did not fit the model's context window. */
  trimmed: number;
  /** How many of them it read a summary of. */
  summarised: number;
}

export function answerFacts(message: Message): AnswerFacts {
  // The turn knows best; the message alone is what a live answer has.
  const of = message.turn ?? message;
  const { ttft_ms: ttftMs, duration_ms: durationMs, completion_tokens: completionTokens } = of;
  const streamedMs = ttftMs === null || durationMs === null ? null : durationMs - ttftMs;
  const tokensPerSecond =
    streamedMs === null || streamedMs <= 0 || completionTokens === null || completionTokens < 2
      ? null
      : ((completionTokens - 1) * 1000) / streamedMs;
  return {
    ttftMs,
    durationMs,
    promptTokens: of.prompt_tokens,
    completionTokens,
    tokensPerSecond,
    ended: message.status === "complete" ? of.finish_reason : message.status,
    revision: of.revision,
    failure: message.status === "failed" ? (of.error?.message ?? null) : null,
    trimmed: of.trimmed_messages ?? 0,
    summarised: of.summarised_messages ?? 0,
  };
}
