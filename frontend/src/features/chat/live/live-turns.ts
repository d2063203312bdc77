import { ApiError, toApiError } from "@/lib/api/error";
import { sleepUntilOnline } from "@/lib/backoff";
import { strings } from "@/lib/strings";
import type { Message, TurnEvent } from "@/lib/api/types";
import { retryTurn } from "../api/retry-turn";
import { startTurn } from "../api/start-turn";
import { stopTurn } from "../api/stop-turn";
import { turnEvents } from "../api/turn-events";
import { followTurn } from "./follow";
import { answerOf, reduceTurn, userMessageOf, type LiveTurn } from "./turn-state";

/** A message that the server did not take: it goes back to where it was written. */
export interface Refusal {
  content: string;
  error: ApiError;
  /** Epoch milliseconds before which sending again is pointless; null when it may be tried at once. */
  retryAt: number | null;
}

export interface Settled {
  user: Message | null;
  answer: Message;
  replaces: string[];
}

export interface TurnSink {
  started: (conversationId: string, turnId: string) => void;
  settled: (conversationId: string, settled: Settled) => void;
  /** Something happened that only the server can tell: read the conversation again. */
  stale: (conversationId: string) => void;
}

interface Entry {
  turn: LiveTurn | null;
  text: string;
  refusal: Refusal | null;
}

const NOTHING: Entry = { turn: null, text: "", refusal: null };

/**
 * The turns that this page follows, one a conversation, outside of React.
 *
 * Components subscribe to the part they show. Text is gathered and handed on once a frame, so a
 * fast model costs one render a frame, and only of the message that grows.
 */
export class LiveTurns {
  private readonly entries = new Map<string, Entry>();
  private readonly aborts = new Map<string, AbortController>();
  private readonly listeners = new Set<() => void>();
  private readonly pending = new Map<string, string>();
  private frame: (() => void) | null = null;
  private sink: TurnSink | null = null;

  constructor(private readonly schedule: (work: () => void) => () => void = onNextFrame) {}

  /** Connect what is told of starts and ends. Returns the way to disconnect. */
  connect(sink: TurnSink): () => void {
    this.sink = sink;
    return () => {
      if (this.sink === sink) this.sink = null;
    };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  turn(conversationId: string): LiveTurn | null {
    return this.entries.get(conversationId)?.turn ?? null;
  }

  text(conversationId: string): string {
    return this.entries.get(conversationId)?.text ?? "";
  }

  refusal(key: string): Refusal | null {
    return this.entries.get(key)?.refusal ?? null;
  }

  /** Ids of the conversations whose connection was given up. */
  lost(): string[] {
    return [...this.entries].filter(([, { turn }]) => turn?.connection === "lost").map(([id]) => id);
  }

  start(conversationId: string, content: string, model: string): void {
    this.begin(newTurn(conversationId, content, model, []), (signal) =>
      startTurn(conversationId, { content, model }, signal),
    );
  }

  /** A new answer to the same message in the place of `answer`. */
  retry(answer: Message, model: string): void {
    const turnId = answer.turn_id;
    if (turnId === null) return;
    const turn = { ...newTurn(answer.conversation_id, null, model, [answer.id]), messageId: answer.parent_id };
    this.begin(turn, (signal) => retryTurn(turnId, model, signal));
  }

  /** Follow a turn that runs already: after a reload, or one that another tab began. */
  resume(answer: Message): void {
    if (answer.turn_id === null) return;
    this.begin(
      {
        ...newTurn(answer.conversation_id, null, answer.model ?? "", []),
        turnId: answer.turn_id,
        messageId: answer.parent_id,
        answerId: answer.id,
        startedAt: answer.created_at,
        trimmed: answer.trimmed_messages ?? 0,
        phase: "answering",
      },
      null,
    );
  }

  /** Try again after the connection was given up. */
  reconnect(conversationId: string): void {
    const turn = this.turn(conversationId);
    if (turn?.connection !== "lost" || turn.turnId === null) return;
    this.begin({ ...turn, connection: "reconnecting" }, null);
  }

  async stop(conversationId: string): Promise<void> {
    const turn = this.turn(conversationId);
    if (turn === null || turn.turnId === null || turn.phase === "stopping") return;
    this.change(conversationId, { turn: { ...turn, phase: "stopping" } });
    try {
      await stopTurn(turn.turnId);
    } catch {
      // Not stopped: the button comes back, and the answer goes on.
      const now = this.turn(conversationId);
      if (now?.turnId === turn.turnId) this.change(conversationId, { turn: { ...now, phase: "answering" } });
    }
  }

  refuse(key: string, content: string, error: unknown): void {
    const problem = toApiError(error);
    const retryAt = problem.retryAfterMs === null ? null : Date.now() + problem.retryAfterMs;
    this.change(key, { refusal: { content, error: problem, retryAt } });
  }

  clearRefusal(key: string): void {
    if (this.refusal(key)) this.change(key, { refusal: null });
  }

  /** Stop following everything, as when the person signs out. The turns themselves go on. */
  leaveAll(): void {
    this.aborts.forEach((abort) => abort.abort());
    this.aborts.clear();
    this.entries.clear();
    this.pending.clear();
    this.frame?.();
    this.frame = null;
    this.notify();
  }

  private begin(turn: LiveTurn, first: ((signal: AbortSignal) => Promise<Response>) | null): void {
    const id = turn.conversationId;
    if (this.aborts.has(id)) return;
    const abort = new AbortController();
    this.aborts.set(id, abort);
    this.pending.delete(id);
    // Following what runs already does not answer a message that came back.
    this.entries.set(id, { turn, text: "", refusal: first ? null : this.refusal(id) });
    this.notify();
    void this.follow(turn, first, abort);
  }

  private async follow(
    turn: LiveTurn,
    first: ((signal: AbortSignal) => Promise<Response>) | null,
    abort: AbortController,
  ): Promise<void> {
    const id = turn.conversationId;
    const { signal } = abort;
    try {
      const result = await followTurn({
        first: first && (() => first(signal)),
        resume: (after) => {
          const turnId = this.turn(id)?.turnId;
          if (!turnId) throw new ApiError("turn_unknown", strings.chat.turnUnknown, 409, true);
          return turnEvents(turnId, after, signal);
        },
        onEvent: (event) => this.apply(id, event),
        onConnection: (connection) => this.patch(id, { connection }),
        pause: (ms) => sleepUntilOnline(ms, signal),
        signal,
      });
      this.aborts.delete(id);
      if (result === "lost") this.patch(id, { connection: "lost" });
      if (result === "ended") this.settle(id);
    } catch (error) {
      if (this.aborts.get(id) === abort) this.aborts.delete(id);
      this.giveUp(id, error);
    }
  }

  private apply(id: string, event: TurnEvent): void {
    const turn = this.turn(id);
    if (turn === null) return;
    if (event.name === "delta") {
      this.pending.set(id, (this.pending.get(id) ?? "") + event.data.text);
      this.frame ??= this.schedule(() => {
        this.frame = null;
        this.flush();
        this.notify();
      });
      return;
    }
    this.change(id, { turn: reduceTurn(turn, event) });
    if (event.name === "turn.started") this.sink?.started(id, event.data.turn_id);
  }

  private flush(): void {
    for (const [id, more] of this.pending) {
      const entry = this.entries.get(id);
      if (entry) this.entries.set(id, { ...entry, text: entry.text + more });
    }
    this.pending.clear();
  }

  private settle(id: string): void {
    this.flush();
    const entry = this.entries.get(id);
    if (!entry?.turn) return;
    const settled = {
      user: userMessageOf(entry.turn),
      answer: answerOf(entry.turn, entry.text),
      replaces: entry.turn.replaces,
    };
    this.entries.set(id, { ...entry, turn: null, text: "" });
    this.sink?.settled(id, settled);
    this.notify();
  }

  private giveUp(id: string, error: unknown): void {
    const turn = this.turn(id);
    if (turn === null) return;
    if (turn.turnId !== null) {
      // It runs on the server; only this page lost sight of it.
      this.patch(id, { connection: "lost" });
      return;
    }
    this.entries.set(id, { ...NOTHING });
    this.refuse(id, turn.content ?? "", error);
    const problem = toApiError(error);
    const mayHaveArrived = problem.status === 0 || problem.code === "turn_unknown" || problem.code === "turn_running";
    if (mayHaveArrived) this.sink?.stale(id);
  }

  private patch(id: string, patch: Partial<LiveTurn>): void {
    const turn = this.turn(id);
    if (turn === null) return;
    const changed = Object.entries(patch).some(([key, value]) => turn[key as keyof LiveTurn] !== value);
    if (changed) this.change(id, { turn: { ...turn, ...patch } });
  }

  private change(id: string, patch: Partial<Entry>): void {
    this.entries.set(id, { ...(this.entries.get(id) ?? NOTHING), ...patch });
    this.notify();
  }

  private notify(): void {
    this.listeners.forEach((listener) => listener());
  }
}

function newTurn(conversationId: string, content: string | null, model: string, replaces: string[]): LiveTurn {
  return {
    conversationId,
    turnId: null,
    messageId: null,
    answerId: null,
    content,
    startedAt: new Date().toISOString(),
    model,
    revision: null,
    phase: "sending",
    connection: "open",
    trimmed: 0,
    promptTokens: null,
    completionTokens: null,
    replaces,
    outcome: null,
  };
}

/** Run before the next paint; in a hidden tab, where nothing is painted, soon. */
function onNextFrame(work: () => void): () => void {
  if (document.hidden) {
    const timer = setTimeout(work, 200);
    return () => clearTimeout(timer);
  }
  const frame = requestAnimationFrame(work);
  return () => cancelAnimationFrame(frame);
}
