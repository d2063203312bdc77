import type { SseEvent } from "@/lib/sse/parser";
import type { TurnEvent, TurnEvents, TurnStatus } from "@/lib/api/types";

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

/** The turn event in an SSE frame; null for an unknown name or a body that is not what the name promises. */
export function parseTurnEvent(frame: SseEvent): TurnEvent | null {
  if (!Object.hasOwn(checks, frame.event)) return null;
  const name = frame.event as keyof TurnEvents;
  const data = readObject(frame.data);
  if (data === null || !checks[name](data)) return null;
  return { seq: Number(frame.id), name, data } as TurnEvent;
}

/** What an unnumbered `turn.status` frame says; null for every other frame. */
export function parseTurnStatus(frame: SseEvent): TurnStatus | null {
  if (frame.event !== "turn.status") return null;
  const state = readObject(frame.data)?.["state"];
  return state === "reconnecting" || state === "running" ? state : null;
}

function readObject(text: string): Record<string, unknown> | null {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : null;
  } catch {
    // Not of our making: a body that is not JSON is no event.
    return null;
  }
}

export function isTerminal(event: TurnEvent): boolean {
  return event.name === "turn.completed" || event.name === "turn.stopped" || event.name === "turn.failed";
}
