/** An event of a turn as the socket brings it: it stands for the numbers `first` to `seq`; `seq` 0 is a status. */
export interface SocketEvent {
  seq: number;
  first: number;
  event: string;
  data: unknown;
}

interface Reader {
  events: SocketEvent[];
  /** Why nothing more comes; null as long as something may. */
  ended: Error | null;
  wake: () => void;
}

/** Thrown when the socket cannot (go on to) bring a turn: whoever follows it asks elsewhere. */
export class SocketLostError extends Error {
  override readonly name = "SocketLostError";
}

/** Frames about followed turns. `turn.alive` says nothing but that the turn is still followed. */
const TYPES = new Set(["delta", "turn.event", "turn.alive", "turn.refused"]);

type Send = (frame: object) => void;

/**
 * Turns over the tab's one WebSocket. The feature that holds the socket attaches it here and hands its frames
 * in; the one that shows turns follows them, many at once over one connection.
 */
export class TurnSocket {
  private send: Send | null = null;
  private readonly readers = new Map<number, Reader>();
  private last = 0;

  /** Whether turns can be followed here now. */
  get open(): boolean {
    return this.send !== null;
  }

  attach(send: Send): void {
    this.detach();
    this.send = send;
  }

  /** The socket is gone, and with it whatever was followed over it. */
  detach(): void {
    this.send = null;
    for (const reader of this.readers.values()) end(reader, new SocketLostError("the socket was closed"));
    this.readers.clear();
  }

  /** Take in a frame; says whether it was about a followed turn. */
  take(frame: Record<string, unknown>): boolean {
    const { type } = frame;
    if (!TYPES.has(String(type))) return false;
    const reader = this.readers.get(Number(frame["as"]));
    if (reader === undefined) return true;
    if (type === "turn.refused") {
      end(reader, new SocketLostError(String(frame["message"])));
      return true;
    }
    if (type === "turn.alive") {
      reader.wake();
      return true;
    }
    const seq = Number(frame["seq"]);
    const first = frame["first"] === undefined ? seq : Number(frame["first"]);
    const [event, data] =
      type === "delta" ? ["delta", { text: frame["text"] }] : [String(frame["event"]), frame["data"]];
    reader.events.push({ seq, first, event, data });
    reader.wake();
    return true;
  }

  /**
   * The events of a turn after the number `after`. Throws SocketLostError when no more of them can come, or none
   * came for `idleMs`.
   */
  async *follow(turnId: string, after: number, idleMs: number, signal: AbortSignal): AsyncGenerator<SocketEvent> {
    if (this.send === null) throw new SocketLostError("there is no socket");
    const handle = (this.last += 1);
    const reader: Reader = { events: [], ended: null, wake: () => undefined };
    this.readers.set(handle, reader);
    const leave = () => end(reader, new SocketLostError("the reader left"));
    signal.addEventListener("abort", leave);
    this.send({ type: "follow", as: handle, turn_id: turnId, after });
    try {
      for (;;) {
        yield* reader.events.splice(0);
        if (reader.events.length > 0) continue;
        if (reader.ended !== null) throw reader.ended;
        await this.more(reader, idleMs);
      }
    } finally {
      signal.removeEventListener("abort", leave);
      if (this.readers.delete(handle)) this.send?.({ type: "unfollow", as: handle });
    }
  }

  private more(reader: Reader, idleMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => end(reader, new SocketLostError("the socket went silent")), idleMs);
      reader.wake = () => {
        clearTimeout(timer);
        reader.wake = () => undefined;
        resolve();
      };
    });
  }
}

function end(reader: Reader, why: Error): void {
  reader.ended ??= why;
  reader.wake();
}

/** The one of this tab. */
export const turnSocket = new TurnSocket();
