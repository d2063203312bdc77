/** What came of copies of requests: see gateway/shadows/schemas.py. Times in milliseconds. */

/** `text` is null unless texts were kept. */
export interface ShadowSide {
  text: string | null;
  completion_tokens: number | null;
  first_ms: number | null;
}

export interface ShadowAnswer {
  id: string;
  revision: string;
  shadow_revision: string;
  outcome: "answered" | "failed";
  detail: string | null;
  /** How many of the words of both are the same ones, from 0 to 1. */
  likeness: number | null;
  live: ShadowSide;
  shadow: ShadowSide;
  prompt: string | null;
  created_at: string;
}

/** All that is kept about two revisions: medians of milliseconds, means of tokens. */
export interface ShadowTally {
  revision: string;
  shadow_revision: string;
  answers: number;
  failed: number;
  same: number;
  likeness: number | null;
  live_first_ms: number | null;
  shadow_first_ms: number | null;
  live_tokens: number | null;
  shadow_tokens: number | null;
}

export interface ShadowReport {
  tallies: ShadowTally[];
  items: ShadowAnswer[];
}
