import { ApiError, toApiError } from "@/lib/api/error";
import type { TurnEvent, TurnStatus } from "@/lib/api/types";
import { backoffMs } from "@/lib/backoff";
import { readEvents } from "@/lib/sse/read";
import { isTerminal, parseTurnEvent, parseTurnStatus, readJson, type TurnFrame } from "./parse-event";

/** Keep-alive comments come every 15 s; two of them missed and a bit is a dead connection. */
const IDLE_MS = 40_000;
const MAX_FAILURES = 12;
/** A message that nobody takes goes back to its writer sooner than a running answer is given up. */
const MAX_UNANSWERED = 6;
const BASE_MS = 500;
const CAP_MS = 10_000;

export interface FollowParts {
  /**
   * The request that begins the turn, whose answer is its stream; null to follow a turn that runs already.
   * Asked again while nothing has come of it, so it has to be idempotent.
   */
  first: (() => Promise<Response>) | null;
  /** The number of the last event that is known already; 0 for none. */
  after?: number;
  /** The live log after a number. */
  resume: (after: number) => Promise<Response>;
  /** The same over the tab's socket, where that is open: asked first, and not again after it failed. */
  socket?: (after: number, idleMs: number) => AsyncIterable<TurnFrame> | null;
  onEvent: (event: TurnEvent) => void;
  onStatus: (status: TurnStatus) => void;
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
 * the follower reconnect from the last it has. Throws any refusal that trying again cannot change, and
 * what the first request met when no try of it was answered.
 */
export async function followTurn(parts: FollowParts): Promise<FollowResult> {
  const { first, resume, socket, onEvent, onStatus, onConnection, pause, signal, random, idleMs = IDLE_MS } = parts;
  let last = parts.after ?? 0;
  let failures = 0;
  let unanswered: Error | null = null;

  for (;;) {
    const beginning = first !== null && last === 0;
    if (failures >= (beginning ? MAX_UNANSWERED : MAX_FAILURES)) break;
    let wait = 0;
    try {
      const pushed = beginning || failures > 0 ? null : (socket?.(last, idleMs) ?? null);
      const frames = pushed ?? framesOf(await (beginning ? first() : resume(last)), idleMs);
      onConnection("open");
      for await (const frame of frames) {
        const status = parseTurnStatus(frame);
        if (status !== null) onStatus(status);
        if (!Number.isSafeInteger(frame.seq) || frame.seq <= last) continue;
        if (frame.first !== last + 1) break;
        last = frame.seq;
        failures = 0;
        const event = parseTurnEvent(frame);
        if (event === null) continue;
        onEvent(event);
        if (isTerminal(event)) return "ended";
      }
    } catch (error) {
      if (signal.aborted) return "left";
      if (!(beginning && last === 0 ? wasNotAnswered(error) : mayRecover(error))) throw error;
      unanswered = toApiError(error);
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
  if (first !== null && last === 0 && unanswered !== null) throw unanswered;
  return "lost";
}

async function* framesOf(response: Response, idleMs: number): AsyncGenerator<TurnFrame> {
  for await (const { id, event, data } of readEvents(bodyOf(response), idleMs)) {
    const seq = Number(id);
    yield { seq, first: seq, event, data: readJson(data) };
  }
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (response.body === null) throw new TypeError("the answer has no body");
  return response.body;
}

const NO_GATEWAY = new Set([0, 502, 504]);

/** Whether it is open if the request did anything: no answer came, or one that says that it is under way. */
export function wasNotAnswered(error: unknown): boolean {
  if (!(error instanceof ApiError)) return true;
  return NO_GATEWAY.has(error.status) || error.code === "idempotency_in_flight";
}

function mayRecover(error: unknown): boolean {
  // Whatever is not an answer of the server is a broken connection.
  return !(error instanceof ApiError) || error.status === 0 || error.status === 429 || error.status >= 500;
}
