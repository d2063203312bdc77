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
}

export function answerFacts(message: Message): AnswerFacts {
  const { ttft_ms: ttftMs, duration_ms: durationMs, completion_tokens: completionTokens } = message;
  const streamedMs = ttftMs === null || durationMs === null ? null : durationMs - ttftMs;
  const tokensPerSecond =
    streamedMs === null || streamedMs <= 0 || completionTokens === null || completionTokens < 2
      ? null
      : ((completionTokens - 1) * 1000) / streamedMs;
  return {
    ttftMs,
    durationMs,
    promptTokens: message.prompt_tokens,
    completionTokens,
    tokensPerSecond,
    ended: message.status === "complete" ? message.finish_reason : message.status,
  };
}
