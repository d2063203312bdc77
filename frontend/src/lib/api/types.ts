/** Shapes of the gateway's `/api` surface. Times are RFC 3339 UTC strings, durations milliseconds. */

export type Role = "user" | "operator" | "admin";

export interface User {
  id: string;
  email: string;
  name: string;
  role: Role;
  created_at: string;
  email_verified: boolean;
  language: string | null;
  time_zone: string | null;
  /** When the account is erased; null where it stays. */
  delete_at: string | null;
  /** Where their picture is; null for none. */
  picture: string | null;
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
  scopes: string[];
  /** Names of the models that it may ask; null for all of them. */
  models: string[] | null;
  /** Null for as many as the person has. */
  requests_per_minute: number | null;
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
  pinned: boolean;
  archived: boolean;
  system_prompt: string | null;
  parameters: Parameters;
  /** Whether jobs summarise what no longer fits the model's window. */
  summarise: boolean;
  share: Share | null;
}

/** How the model should write; what is left out is the model's own default. */
export interface Parameters {
  temperature?: number;
  top_p?: number;
  max_tokens?: number;
  seed?: number;
  stop?: string[];
  response_format?: ResponseFormat;
}

/** In which form an answer is wanted. */
export type ResponseFormat =
  | { type: "text" | "json_object" }
  | { type: "json_schema"; json_schema: { name: string; schema: Record<string, unknown>; strict?: boolean } };

/** A link that shows a conversation to whoever has it. Its address is known only when it is made. */
export interface Share {
  id: string;
  url: string | null;
  created_at: string;
}

/** What such a link shows. */
export interface SharedChat {
  title: string | null;
  created_at: string;
  messages: { role: "user" | "assistant" | "system"; content: string; model: string | null; created_at: string }[];
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
  /** How many of the trimmed ones the model read a summary of. */
  summarised_messages: number | null;
  rating: Rating | null;
  created_at: string;
  /** Its place among the messages with the same parent and role; null while that is not known. */
  siblings: Siblings | null;
  turn: TurnFacts | null;
}

export type Rating = "up" | "down";

export interface Siblings {
  /** From 1. */
  index: number;
  count: number;
  previous_id: string | null;
  next_id: string | null;
}

/** The turn behind an answer. */
export interface TurnFacts {
  id: string;
  status: string;
  revision: string | null;
  finish_reason: string | null;
  error: TurnError | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  ttft_ms: number | null;
  duration_ms: number | null;
  trimmed_messages: number | null;
  summarised_messages: number | null;
}

/** What a model reads instead of the first `messages` messages. */
export interface Summary {
  message_id: string;
  text: string;
  model: string;
  messages: number;
  tokens: number;
  created_at: string;
}

export interface Job {
  id: string;
  kind: string;
  state: "queued" | "running" | "succeeded" | "failed";
  conversation_id: string | null;
  attempts: number;
  /** Why it failed, or why it is tried again. */
  error: string | null;
  created_at: string;
  updated_at: string;
}

export interface SearchHit {
  conversation_id: string;
  title: string | null;
  message_id: string | null;
  role: "user" | "assistant" | "system" | null;
  fragments: { text: string; match: boolean }[];
  created_at: string;
}

export interface Prompt {
  id: string;
  name: string;
  description: string | null;
  template: string;
  variables: string[];
  scope: "personal" | "everyone";
  mine: boolean;
  updated_at: string;
}

/** Tokens a person, their group or a key may use in a day or a month. */
export interface Budget {
  scope: "person" | "group" | "key";
  key_id: string | null;
  group_name: string | null;
  period: "day" | "month";
  limit: number;
  used: number;
  reserved: number;
  remaining: number;
  resets_at: string;
}

export interface Limits {
  budgets: Budget[];
  requests: { limit: number; remaining: number; reset_seconds: number } | null;
}

export type ModelState = "pending" | "fetching" | "starting" | "warming" | "ready" | "draining" | "failed";

export interface Model {
  name: string;
  title: string;
  description: string;
  engine: string;
  state: ModelState;
  detail: string | null;
  /** When it set out to become ready; null when it is, or will not be. */
  waking_since: string | null;
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
    summarised_messages: number;
  };
  delta: { text: string };
  /** Who answered, where that is not who was to when the turn began. */
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number; model?: string; revision?: string };
  "turn.completed": { finish_reason: string; ttft_ms: number | null; duration_ms: number | null };
  "turn.stopped": { ttft_ms: number | null; duration_ms: number | null };
  "turn.failed": TurnError;
}

export type TurnEvent = {
  [Name in keyof TurnEvents]: { seq: number; name: Name; data: TurnEvents[Name] };
}[keyof TurnEvents];

/** Whether a turn waits: for somebody to carry it on, or for its place in an engine. Unnumbered: not part of the log. */
export interface TurnStatus {
  state: "reconnecting" | "queued" | "running";
  /** In the queue; 1 is the next. */
  place: number | null;
}

/** Frames of the WebSocket `/api/events`. */
export type PushEvent =
  | { type: "hello" }
  | { type: "conversation.created" | "conversation.updated"; conversation: Conversation }
  | { type: "conversation.deleted"; id: string }
  | { type: "turn.started" | "turn.ended"; conversation_id: string; turn_id: string; status?: string }
  | { type: "message.rated"; conversation_id: string; message_id: string; rating: Rating | null }
  | { type: "job.updated"; job: Job }
  | { type: "model.updated"; model: Model }
  | { type: "limits.updated"; limits: Limits };
