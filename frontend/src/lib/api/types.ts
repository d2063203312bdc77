/** Shapes of the gateway's `/api` surface. Times are RFC 3339 UTC strings, durations milliseconds. */

export interface User {
  id: string;
  email: string;
  name: string;
  role: "user" | "admin";
  created_at: string;
}

export interface Session {
  user: User;
  expires_in: number;
}

export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  created_at: string;
  last_used_at: string | null;
  expires_at: string | null;
}

/** The answer to creating a key: the only time the secret is seen. */
export interface CreatedApiKey extends ApiKey {
  key: string;
}

export interface Conversation {
  id: string;
  title: string | null;
  model: string | null;
  created_at: string;
  updated_at: string;
  running_turn_id: string | null;
}

export type MessageStatus = "complete" | "streaming" | "stopped" | "failed";

export interface TurnError {
  reason: string;
  message: string;
  retry: boolean;
}

export interface Message {
  id: string;
  conversation_id: string;
  parent_id: string | null;
  turn_id: string | null;
  role: "user" | "assistant" | "system";
  content: string;
  status: MessageStatus;
  model: string | null;
  revision: string | null;
  finish_reason: string | null;
  error: TurnError | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  ttft_ms: number | null;
  duration_ms: number | null;
  trimmed_messages: number | null;
  created_at: string;
}

export type ModelState = "pending" | "starting" | "warming" | "ready" | "draining" | "failed";

export interface Model {
  name: string;
  title: string;
  description: string;
  engine: string;
  state: ModelState;
  detail: string | null;
  revision: string | null;
  context_window: number;
  max_output_tokens: number;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Items<T> {
  items: T[];
}

/** RFC 9457 problem details, as every error of `/api` is answered. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  retry: boolean;
  request_id: string;
  errors?: { field: string; message: string }[];
}

/** Events of a turn's live log, by name. Anything else is ignored by the page. */
export interface TurnEvents {
  "turn.started": {
    turn_id: string;
    conversation_id: string;
    message_id: string;
    answer_id: string;
    model: string;
    revision: string | null;
    trimmed_messages: number;
  };
  delta: { text: string };
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
  "turn.completed": { finish_reason: string; ttft_ms: number | null; duration_ms: number | null };
  "turn.stopped": { ttft_ms: number | null; duration_ms: number | null };
  "turn.failed": TurnError;
}

export type TurnEvent = {
  [Name in keyof TurnEvents]: { seq: number; name: Name; data: TurnEvents[Name] };
}[keyof TurnEvents];

/** Frames of the WebSocket `/api/events`. */
export type PushEvent =
  | { type: "hello" }
  | { type: "conversation.created" | "conversation.updated"; conversation: Conversation }
  | { type: "conversation.deleted"; id: string }
  | { type: "turn.started" | "turn.ended"; conversation_id: string; turn_id: string; status?: string }
  | { type: "model.updated"; model: Model };
