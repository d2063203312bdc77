import type { PushEvent } from "@/lib/api/types";
import { backoffMs } from "@/lib/backoff";

const BASE_MS = 1_000;
const CAP_MS = 30_000;
const SIGN_IN_AGAIN = 4401;

export interface EventSocketParts {
  connect: () => WebSocket;
  onEvent: (event: PushEvent) => void;
  /** The socket takes frames now; called with the way to send them. */
  onOpen?: (send: (frame: object) => void) => void;
  onClose?: () => void;
  /** The socket is back after a gap in which events may have been missed. */
  onReconnected: () => void;
  /** Make sure that the session is good before the next try; throws when it is over. */
  renew: () => Promise<unknown>;
  random?: () => number;
}

/**
 * One WebSocket that comes back by itself, with growing and scattered pauses and at once when the
 * browser is online again. It stops for good when the session is over.
 */
export class EventSocket {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private failures = 0;
  private greeted = false;
  private running = false;

  constructor(private readonly parts: EventSocketParts) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    window.addEventListener("online", this.hurry);
    this.open();
  }

  stop(): void {
    this.running = false;
    window.removeEventListener("online", this.hurry);
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.socket !== null) this.parts.onClose?.();
    this.socket?.close(1000);
    this.socket = null;
  }

  private open(): void {
    const socket = this.parts.connect();
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      const event = parse(data);
      if (event === null || this.socket !== socket) return;
      if (event.type === "hello") {
        this.failures = 0;
        this.parts.onOpen?.((frame) => {
          if (this.socket === socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
        });
        if (this.greeted) this.parts.onReconnected();
        this.greeted = true;
      }
      this.parts.onEvent(event);
    };
    socket.onclose = ({ code }) => {
      if (this.socket !== socket || !this.running) return;
      this.socket = null;
      this.parts.onClose?.();
      const pause = code === SIGN_IN_AGAIN ? 0 : backoffMs(this.failures, BASE_MS, CAP_MS, this.parts.random);
      this.failures += 1;
      this.timer = setTimeout(() => void this.comeBack(), pause);
    };
  }

  private async comeBack(): Promise<void> {
    this.timer = null;
    try {
      await this.parts.renew();
    } catch (error) {
      if (!this.running) return;
      if (isSignedOut(error)) return this.stop();
      // The server cannot be reached; the socket itself will find out when it can be.
    }
    if (this.running && this.socket === null && this.timer === null) this.open();
  }

  private readonly hurry = (): void => {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.timer = null;
    void this.comeBack();
  };
}

function parse(data: unknown): PushEvent | null {
  if (typeof data !== "string") return null;
  try {
    const event: unknown = JSON.parse(data);
    const typed = typeof event === "object" && event !== null && typeof (event as PushEvent).type === "string";
    return typed ? (event as PushEvent) : null;
  } catch {
    // Not of our making: a frame that is not JSON is no event.
    return null;
  }
}

function isSignedOut(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as { status?: unknown }).status === 401;
}
