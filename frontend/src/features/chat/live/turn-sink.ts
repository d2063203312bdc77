import type { Message } from "@/lib/api/types";

/** A turn that has ended, as it stands in the conversation. */
export interface Settled {
  user: Message | null;
  answer: Message;
  replaces: string | null;
  edits: string | null;
}

export interface TurnSink {
  started: (conversationId: string, turnId: string) => void;
  settled: (conversationId: string, settled: Settled) => void;
  /** Something happened that only the server can tell: read the conversation again. */
  stale: (conversationId: string) => void;
}
