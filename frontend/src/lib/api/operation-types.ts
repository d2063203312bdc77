/** What operators see and decide about models: see gateway/deployments/schemas.py. */

export type RevisionState = "added" | "pending" | "fetching" | "starting" | "warming" | "ready" | "draining" | "retired" | "failed";

/** What a revision did in the last `seconds`; waits are seconds to the first token. */
export interface RevisionFigures {
  seconds: number;
  requests: number;
  errors: number;
  tokens_per_second: number;
  wait_p50: number | null;
  wait_p95: number | null;
  up: number;
  down: number;
}

export interface Revision {
  name: string;
  revision: string;
  desired: "added" | "serving" | "retired";
  state: RevisionState;
  detail: string | null;
  weight: number;
  replicas: number;
  digest: string;
  /** SHA-256 of what its engine has loaded; null for an engine without weights. */
  weights_sha256: string | null;
  spec: Readonly<Record<string, unknown>>;
  figures: RevisionFigures | null;
  /** Requests that its replicas work on now, and those that wait; null where none of them says. */
  queue: { running: number; waiting: number } | null;
  created_at: string;
  updated_at: string;
}

export interface Revisions {
  items: Revision[];
  fallbacks: Readonly<Record<string, string>>;
  /** Who gets copies of what a name is asked. */
  shadows: Readonly<Record<string, Shadow>>;
}

/** A revision that is asked again what so many of a hundred requests ask. */
export interface Shadow {
  revision: string;
  percent: number;
  keep_texts: boolean;
}

export interface PromotionPlan {
  steps: number[];
  seconds: number;
  min_requests: number;
  patience_seconds: number;
  /** The set of prompts that the revision has to pass before it gets traffic. */
  evaluation: string | null;
  retire_old: boolean;
}

export interface PromotionStep {
  percent: number;
  began_at: string;
  seconds: number;
  requests: number;
  errors: number;
}

export interface Promotion {
  id: string;
  name: string;
  revision: string;
  before: Readonly<Record<string, number>>;
  plan: PromotionPlan;
  state: "warming" | "moving" | "draining" | "promoted" | "rolled_back" | "failed";
  /** From 0 on; -1 before traffic moves. */
  step: number;
  steps: PromotionStep[];
  detail: string | null;
  started_by: string;
  receipt: Readonly<Record<string, unknown>> | null;
  created_at: string;
  ended_at: string | null;
}

/** What one revision said; times in milliseconds. */
export interface ComparedAnswer {
  revision: string;
  text: string;
  completion_tokens: number | null;
  first_ms: number | null;
  duration_ms: number | null;
}

export type Choice = "left" | "right" | "both" | "neither";

export interface NewComparison {
  name: string;
  prompt: string;
  left: ComparedAnswer;
  right: ComparedAnswer;
  choice: Choice;
}

/** All votes about two revisions, whichever side they stood on. */
export interface Tally {
  name: string;
  one: string;
  other: string;
  one_better: number;
  other_better: number;
  both: number;
  neither: number;
}

export interface Comparisons {
  items: (NewComparison & { id: string; by: string; created_at: string })[];
  tallies: Tally[];
}

/** Prompts with checks: see gateway/evaluations. What a check is made of is its own business. */
export interface EvaluationSet {
  name: string;
  digest: string;
  pass_share: number;
  cases: { prompt: string; check: Readonly<Record<string, unknown>> }[];
  updated_at: string;
}

export interface EvaluationRun {
  id: string;
  set: string;
  name: string;
  revision: string;
  state: "running" | "passed" | "failed" | "broken";
  detail: string | null;
  cases: { prompt: string }[];
  /** In the order of the cases, as far as they were asked. */
  results: { passed: boolean; reason: string | null; text: string }[];
  created_at: string;
}
