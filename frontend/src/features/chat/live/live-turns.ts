import { ApiError, networkError, toApiError } from "@/lib/api/error";
import { sleepUntilOnline } from "@/lib/backoff";
import { strings } from "@/lib/strings";
import { turnSocket } from "@/lib/turn-socket";
import type { Message, TurnEvent } from "@/lib/api/types";
import { retryTurn } from "../api/retry-turn";
import { startTurn, type TurnBody } from "../api/start-turn";
import { stopTurn } from "../api/stop-turn";
import { turnEvents } from "../api/turn-events";
import { followTurn, wasNotAnswered } from "./follow";
import { onNextFrame } from "./on-next-frame";
import { SendKeys } from "./send-keys";
import type { TurnSink } from "./turn-sink";
import { answerOf, newTurn, reduceTurn, RUNNING, userMessageOf, type LiveTurn } from "./turn-state";

/** A message that the server did not take: it goes back to where it was written. */
export interface Refusal {
  content: string;
  /** The message that it was to stand for; null for a new one. */
  edits: string | null;
  error: ApiError;
  /** Epoch milliseconds before which sending again is pointless; null when it may be tried at once. */
  retryAt: number | null;
}

interface Entry {
  turn: LiveTurn | null;
  text: string;
  /** What the server had stored when this page began to follow: shown until the log has caught up with it. */
  stored: string;
  refusal: Refusal | null;
}

const NOTHING: Entry = { turn: null, text: "", stored: "", refusal: null };

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
  private readonly keys = new SendKeys();
  /** The number of the last event of each conversation's turn. */
  private readonly seen = new Map<string, number>();
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
    const { text, stored } = this.entries.get(conversationId) ?? NOTHING;
    return stored.length > text.length && stored.startsWith(text) ? stored : text;
  }

  refusal(key: string): Refusal | null {
    return this.entries.get(key)?.refusal ?? null;
  }

  /** Ids of the conversations whose connection was given up. */
  lost(): string[] {
    return [...this.entries].filter(([, { turn }]) => turn?.connection === "lost").map(([id]) => id);
  }

  /** Send a message: below `last`, the last that is shown, or in the place of the one that it is an edit of. */
  start(id: string, content: string, model: string, last: Message | null, edited: Message | null = null): void {
    const body: TurnBody = { content, model, ...(edited ? { parent_id: edited.parent_id } : {}) };
    const key = this.keys.keyFor(id, body);
    const parentId = edited ? edited.parent_id : (last?.id ?? null);
    const turn = newTurn(id, model, { content, parentId, edits: edited?.id ?? null });
    this.begin(turn, (signal) => startTurn(id, body, key, signal));
  }

  /** A new answer to the same message; the earlier one stays as another branch. */
  retry(answer: Message, model: string): void {
    const { turn_id: turnId, conversation_id: id } = answer;
    if (turnId === null) return;
    const body = { model };
    const key = this.keys.keyFor(id, { turnId, ...body });
    const turn = newTurn(id, model, { replaces: answer.id, messageId: answer.parent_id });
    this.begin(turn, (signal) => retryTurn(turnId, body, key, signal));
  }

  /** Follow a turn that runs already: after a reload, or one that another tab began. */
  resume(answer: Message): void {
    if (answer.turn_id === null) return;
    const known = {
      turnId: answer.turn_id,
      messageId: answer.parent_id,
      answerId: answer.id,
      startedAt: answer.created_at,
      trimmed: answer.trimmed_messages ?? 0,
      summarised: answer.summarised_messages ?? 0,
      phase: "answering" as const,
    };
    this.begin(newTurn(answer.conversation_id, answer.model ?? "", known), null, answer.content);
  }

  /** Try again after the connection was given up: from the last event on, below the text that stands there. */
  reconnect(conversationId: string): void {
    const entry = this.entries.get(conversationId);
    if (entry?.turn?.connection !== "lost" || this.aborts.has(conversationId)) return;
    const turn: LiveTurn = { ...entry.turn, connection: "reconnecting" };
    this.change(conversationId, { turn });
    void this.follow(conversationId, null);
  }

  /** Ask for the end of an answer; one that has not begun yet is stopped as soon as it has. */
  stop(conversationId: string): void {
    const turn = this.turn(conversationId);
    if (turn === null || turn.phase === "stopping") return;
    this.change(conversationId, { turn: { ...turn, phase: "stopping" } });
    if (turn.turnId !== null) void this.tellStop(conversationId, turn.turnId);
  }

  private async tellStop(conversationId: string, turnId: string): Promise<void> {
    try {
      await stopTurn(turnId);
    } catch {
      // Not stopped: the button comes back, and the answer goes on.
      const now = this.turn(conversationId);
      if (now?.turnId === turnId) this.change(conversationId, { turn: { ...now, phase: "answering" } });
    }
  }

  refuse(key: string, content: string, error: unknown, edits: string | null = null): void {
    const problem = toApiError(error);
    const retryAt = problem.retryAfterMs === null ? null : Date.now() + problem.retryAfterMs;
    this.change(key, { refusal: { content, edits, error: problem, retryAt } });
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
    this.seen.clear();
    this.frame?.();
    this.frame = null;
    this.notify();
  }

  private begin(turn: LiveTurn, first: ((signal: AbortSignal) => Promise<Response>) | null, stored = ""): void {
    const id = turn.conversationId;
    if (this.aborts.has(id)) return;
    this.pending.delete(id);
    this.seen.delete(id);
    // Following what runs already does not answer a message that came back.
    this.entries.set(id, { turn, text: "", stored, refusal: first ? null : this.refusal(id) });
    this.notify();
    void this.follow(id, first);
  }

  private async follow(id: string, first: ((signal: AbortSignal) => Promise<Response>) | null): Promise<void> {
    const abort = new AbortController();
    this.aborts.set(id, abort);
    const { signal } = abort;
    try {
      const result = await followTurn({
        first: first && (() => first(signal)),
        after: this.seen.get(id) ?? 0,
        resume: (after) => {
          const turnId = this.turn(id)?.turnId;
          if (!turnId) throw new ApiError("turn_unknown", strings.chat.turnUnknown, 0, true);
          return turnEvents(turnId, after, signal);
        },
        socket: (after, idleMs) => {
          const turnId = this.turn(id)?.turnId;
          return turnId && turnSocket.open ? turnSocket.follow(turnId, after, idleMs, signal) : null;
        },
        onEvent: (event) => this.apply(id, event),
        onStatus: (engine) => this.patch(id, { engine }),
        onConnection: (connection) => this.patch(id, { connection }),
        pause: (ms) => sleepUntilOnline(ms, signal),
        signal,
      });
      if (result === "left") return;
      this.aborts.delete(id);
      if (result === "lost") this.giveUp(id, networkError());
      if (result === "ended") this.settle(id);
    } catch (error) {
      if (this.aborts.get(id) !== abort) return;
      this.aborts.delete(id);
      this.giveUp(id, error);
    }
  }

  private apply(id: string, event: TurnEvent): void {
    const turn = this.turn(id);
    if (turn === null) return;
    this.seen.set(id, event.seq);
    if (event.name === "delta") {
      // Text is the proof that it runs, whether or not the word about it arrived.
      this.patch(id, { engine: RUNNING });
      this.pending.set(id, (this.pending.get(id) ?? "") + event.data.text);
      this.frame ??= this.schedule(() => {
        this.frame = null;
        this.flush();
        this.notify();
      });
      return;
    }
    this.change(id, { turn: reduceTurn(turn, event) });
    if (event.name !== "turn.started") return;
    this.keys.done(id);
    this.sink?.started(id, event.data.turn_id);
    if (turn.phase === "stopping" && turn.turnId === null) void this.tellStop(id, event.data.turn_id);
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
      edits: entry.turn.edits,
    };
    this.entries.set(id, { ...NOTHING, refusal: entry.refusal });
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
    this.entries.set(id, NOTHING);
    this.refuse(id, turn.content ?? "", error, turn.edits);
    // Not known whether it arrived: the key is kept, so that the same words sent again are the same turn.
    const open = wasNotAnswered(error);
    if (!open) this.keys.done(id);
    if (open || toApiError(error).code === "turn_running") this.sink?.stale(id);
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
