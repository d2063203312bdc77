import type { Message, TurnError, TurnEvent, TurnStatus } from "@/lib/api/types";

/** A turn that this page follows, apart from its text (which changes every frame and is kept beside it). */
export interface LiveTurn {
  conversationId: string;
  turnId: string | null;
  messageId: string | null;
  answerId: string | null;
  /** What the person wrote; null when that message is already among the loaded ones. */
  content: string | null;
  startedAt: string;
  model: string;
  revision: string | null;
  phase: "sending" | "answering" | "stopping";
  connection: "open" | "reconnecting" | "lost";
  /** Whether the turn itself waits: to be carried on after its engine or its runner died, or in a queue. */
  engine: TurnStatus;
  trimmed: number;
  summarised: number;
  promptTokens: number | null;
  completionTokens: number | null;
  /** The earlier answer that leaves the visible path for this one. */
  replaces: string | null;
  /** What the person's message stands below; null at the beginning of a conversation. */
  parentId: string | null;
  /** The message that was edited: what was written stands in its place. */
  edits: string | null;
  outcome: Outcome | null;
}

export interface Outcome {
  status: "complete" | "stopped" | "failed";
  finishReason: string | null;
  ttftMs: number | null;
  durationMs: number | null;
  error: TurnError | null;
}

export const RUNNING: TurnStatus = { state: "running", place: null };

/** A turn that is about to begin, or one that runs already. */
export function newTurn(conversationId: string, model: string, known: Partial<LiveTurn>): LiveTurn {
  return {
    conversationId,
    turnId: null,
    messageId: null,
    answerId: null,
    content: null,
    startedAt: new Date().toISOString(),
    model,
    revision: null,
    phase: "sending",
    connection: "open",
    engine: RUNNING,
    trimmed: 0,
    summarised: 0,
    promptTokens: null,
    completionTokens: null,
    replaces: null,
    parentId: null,
    edits: null,
    outcome: null,
    ...known,
  };
}

/** The turn after an event. Text is not its business: `delta` changes nothing here. */
export function reduceTurn(turn: LiveTurn, event: TurnEvent): LiveTurn {
  switch (event.name) {
    case "turn.started":
      return {
        ...turn,
        turnId: event.data.turn_id,
        messageId: event.data.message_id,
        answerId: event.data.answer_id,
        model: event.data.model,
        revision: event.data.revision,
        trimmed: event.data.trimmed_messages ?? 0,
        summarised: event.data.summarised_messages ?? 0,
        phase: turn.phase === "sending" ? "answering" : turn.phase,
      };
    case "delta":
      return turn;
    case "usage":
      return {
        ...turn,
        model: event.data.model ?? turn.model,
        revision: event.data.revision ?? turn.revision,
        promptTokens: event.data.prompt_tokens,
        completionTokens: event.data.completion_tokens,
      };
    case "turn.completed":
      return {
        ...turn,
        outcome: {
          status: "complete",
          finishReason: event.data.finish_reason ?? null,
          ttftMs: event.data.ttft_ms ?? null,
          durationMs: event.data.duration_ms ?? null,
          error: null,
        },
      };
    case "turn.stopped":
      return {
        ...turn,
        outcome: {
          status: "stopped",
          finishReason: "stopped",
          ttftMs: event.data.ttft_ms ?? null,
          durationMs: event.data.duration_ms ?? null,
          error: null,
        },
      };
    case "turn.failed":
      return {
        ...turn,
        outcome: { status: "failed", finishReason: null, ttftMs: null, durationMs: null, error: event.data },
      };
  }
}

/** The person's message of a turn, as it will be listed; null when it is listed already. */
export function userMessageOf(turn: LiveTurn): Message | null {
  if (turn.content === null) return null;
  return {
    ...blank(turn),
    id: turn.messageId ?? `pending-${turn.startedAt}`,
    parent_id: turn.parentId,
    role: "user",
    content: turn.content,
    status: "complete",
  };
}

/** The answer of a turn with its text so far, in the shape the server will list it. */
export function answerOf(turn: LiveTurn, text: string): Message {
  return {
    ...blank(turn),
    id: turn.answerId ?? `pending-answer-${turn.startedAt}`,
    parent_id: turn.messageId,
    role: "assistant",
    content: text,
    status: turn.outcome?.status ?? "streaming",
    model: turn.model,
    revision: turn.revision,
    finish_reason: turn.outcome?.finishReason ?? null,
    error: turn.outcome?.error ?? null,
    prompt_tokens: turn.promptTokens,
    completion_tokens: turn.completionTokens,
    ttft_ms: turn.outcome?.ttftMs ?? null,
    duration_ms: turn.outcome?.durationMs ?? null,
    trimmed_messages: turn.trimmed,
    summarised_messages: turn.summarised,
  };
}

function blank(turn: LiveTurn): Message {
  return {
    id: "",
    conversation_id: turn.conversationId,
    parent_id: null,
    turn_id: turn.turnId,
    role: "user",
    content: "",
    status: "complete",
    model: null,
    revision: null,
    finish_reason: null,
    error: null,
    prompt_tokens: null,
    completion_tokens: null,
    ttft_ms: null,
    duration_ms: null,
    trimmed_messages: null,
    summarised_messages: null,
    rating: null,
    created_at: turn.startedAt,
    siblings: null,
    turn: null,
  };
}
