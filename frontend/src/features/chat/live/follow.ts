import { ApiError } from "@/lib/api/error";
import type { TurnEvent } from "@/lib/api/types";
import { backoffMs } from "@/lib/backoff";
import { readEvents } from "@/lib/sse/read";
import { isTerminal, parseTurnEvent } from "./parse-event";

/** Keep-alive comments come every 15 s; two of them missed and a bit is a dead connection. */
const IDLE_MS = 40_000;
const MAX_FAILURES = 12;
const BASE_MS = 500;
const CAP_MS = 10_000;

export interface FollowParts {
  /** The stream that came with the request that began the turn; null to follow a turn that runs already. */
  first: (() => Promise<Response>) | null;
  /** The live log after a number. */
  resume: (after: number) => Promise<Response>;
  onEvent: (event: TurnEvent) => void;
  onConnection: (state: "open" | "reconnecting") => void;
  pause: (ms: number) => Promise<void>;
  signal: AbortSignal;
  random?: () => number;
  idleMs?: number;
}

/** ended: a terminal event came. lost: too many tries in a row failed. left: the caller aborted. */
export type FollowResult = "ended" | "lost" | "left";

/**
 * Follow a turn to its end over however many connections it takes.
 *
 * Events are numbered from 1 without gaps: one that was seen is dropped, one that is missing makes
 * the follower reconnect from the last it has. Throws what the first request throws, and any refusal
 * that trying again cannot change.
 */
export async function followTurn(parts: FollowParts): Promise<FollowResult> {
  const { first, resume, onEvent, onConnection, pause, signal, random, idleMs = IDLE_MS } = parts;
  let last = 0;
  let failures = 0;
  let begin = first;

  while (failures < MAX_FAILURES) {
    let wait = 0;
    try {
      const response = await (begin ? begin() : resume(last));
      begin = null;
      onConnection("open");
      for await (const frame of readEvents(bodyOf(response), idleMs)) {
        const seq = Number(frame.id);
        if (!Number.isSafeInteger(seq) || seq <= last) continue;
        if (seq !== last + 1) break;
        last = seq;
        failures = 0;
        const event = parseTurnEvent(frame);
        if (event === null) continue;
        onEvent(event);
        if (isTerminal(event)) return "ended";
      }
    } catch (error) {
      if (signal.aborted) return "left";
      if (begin !== null || !mayRecover(error)) throw error;
      wait = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    }
    if (signal.aborted) return "left";
    onConnection("reconnecting");
    try {
      await pause(Math.max(wait, backoffMs(failures, BASE_MS, CAP_MS, random)));
    } catch (error) {
      if (signal.aborted) return "left";
      throw error;
    }
    failures += 1;
  }
  return "lost";
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (response.body === null) throw new TypeError("the answer has no body");
  return response.body;
}

function mayRecover(error: unknown): boolean {
  // Whatever is not an answer of the server is a broken connection.
  return !(error instanceof ApiError) || error.status === 0 || error.status === 429 || error.status >= 500;
}
