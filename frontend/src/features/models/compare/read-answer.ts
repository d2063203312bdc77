import { ApiError } from "@/lib/api/error";
import { readEvents } from "@/lib/sse/read";
import { operation as words } from "@/lib/strings/operation";

/** Longer than any engine is silent between two tokens without having failed. */
const IDLE_MS = 120_000;

/** An answer so far. Times in milliseconds since it was asked for. */
export interface Progress {
  text: string;
  completionTokens: number | null;
  firstMs: number | null;
  durationMs: number | null;
}

export const NOTHING: Progress = { text: "", completionTokens: null, firstMs: null, durationMs: null };

interface Chunk {
  choices?: { delta?: { content?: string | null } }[];
  usage?: { completion_tokens?: number } | null;
  error?: { message?: string; code?: string | null };
}

/**
 * Read an answer that streams as `/v1` streams it, and tell each time there is more of it. Throws ApiError where
 * the engine says that it failed, or where the stream ends before the answer does.
 */
export async function readAnswer(
  response: Response,
  began: number,
  tell: (progress: Progress) => void,
  now: () => number = () => performance.now(),
): Promise<Progress> {
  let progress = NOTHING;
  if (response.body === null) throw new TypeError("the answer has no body");
  for await (const { data } of readEvents(response.body, IDLE_MS)) {
    if (data === "[DONE]") return { ...progress, durationMs: Math.round(now() - began) };
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error) throw new ApiError(chunk.error.code ?? "engine_failed", chunk.error.message ?? words.cutOff, 502, true);
    const more = chunk.choices?.map(({ delta }) => delta?.content ?? "").join("") ?? "";
    progress = {
      ...progress,
      text: progress.text + more,
      completionTokens: chunk.usage?.completion_tokens ?? progress.completionTokens,
      firstMs: progress.firstMs ?? (more === "" ? null : Math.round(now() - began)),
    };
    if (more !== "") tell(progress);
  }
  throw new ApiError("engine_failed", words.cutOff, 502, true);
}
