import type { TurnEvent, TurnEvents, TurnStatus } from "@/lib/api/types";

/** What a stream or the socket brings, before it is believed. It stands for the numbers `first` to `seq`. */
export interface TurnFrame {
  seq: number;
  first: number;
  event: string;
  data: unknown;
}

type Check = (data: Record<string, unknown>) => boolean;

/** What each event must hold to be believed. Names that are not here are ignored. */
const checks: Record<keyof TurnEvents, Check> = {
  "turn.started": (data) =>
    typeof data["turn_id"] === "string" &&
    typeof data["message_id"] === "string" &&
    typeof data["answer_id"] === "string",
  delta: (data) => typeof data["text"] === "string",
  usage: (data) => typeof data["completion_tokens"] === "number" && typeof data["prompt_tokens"] === "number",
  "turn.completed": () => true,
  "turn.stopped": () => true,
  "turn.failed": (data) => typeof data["message"] === "string",
};

/** The turn event in a frame; null for an unknown name or a body that is not what the name promises. */
export function parseTurnEvent(frame: TurnFrame): TurnEvent | null {
  if (!Object.hasOwn(checks, frame.event)) return null;
  const name = frame.event as keyof TurnEvents;
  const data = objectIn(frame.data);
  if (data === null || !checks[name](data)) return null;
  return { seq: frame.seq, name, data } as TurnEvent;
}

/** What an unnumbered `turn.status` frame says; null for every other frame. */
export function parseTurnStatus(frame: TurnFrame): TurnStatus | null {
  if (frame.event !== "turn.status") return null;
  const data = objectIn(frame.data);
  const state = data?.["state"];
  if (state !== "reconnecting" && state !== "running" && state !== "queued") return null;
  const place = data?.["place"];
  return { state, place: typeof place === "number" && place > 0 ? place : null };
}

function objectIn(data: unknown): Record<string, unknown> | null {
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : null;
}

/** JSON, or null for a text that is none: not of our making, so it is no event. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

export function isTerminal(event: TurnEvent): boolean {
  return event.name === "turn.completed" || event.name === "turn.stopped" || event.name === "turn.failed";
}
