import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "@/lib/api/error";
import { EventSocket } from "./event-socket";

class FakeSocket {
  static made: FakeSocket[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closed = false;
  constructor() {
    FakeSocket.made.push(this);
  }
  say(event: unknown) {
    this.onmessage?.({ data: typeof event === "string" ? event : JSON.stringify(event) });
  }
  drop(code = 1006) {
    this.onclose?.({ code });
  }
  close() {
    this.closed = true;
  }
}

function setUp(renew: () => Promise<unknown> = async () => undefined) {
  const onEvent = vi.fn();
  const onReconnected = vi.fn();
  const socket = new EventSocket({
    connect: () => new FakeSocket() as unknown as WebSocket,
    onEvent,
    onReconnected,
    renew,
    random: () => 1,
  });
  socket.start();
  return { socket, onEvent, onReconnected, newest: () => FakeSocket.made.at(-1)! };
}

beforeEach(() => {
  FakeSocket.made = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe("EventSocket", () => {
  it("passes events on and ignores what is none", () => {
    const { onEvent, newest, socket } = setUp();
    newest().say({ type: "conversation.deleted", id: "cnv_1" });
    newest().say("not json");
    newest().say("null");
    newest().say({ no: "type" });
    expect(onEvent.mock.calls).toEqual([[{ type: "conversation.deleted", id: "cnv_1" }]]);
    socket.stop();
  });

  it("comes back with growing pauses and reports the gap once it is greeted again", async () => {
    const { onReconnected, newest, socket } = setUp();
    newest().say({ type: "hello" });
    expect(onReconnected).not.toHaveBeenCalled();

    newest().drop();
    await vi.advanceTimersByTimeAsync(999);
    expect(FakeSocket.made).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(FakeSocket.made).toHaveLength(2);

    newest().drop();
    await vi.advanceTimersByTimeAsync(1999);
    expect(FakeSocket.made).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(FakeSocket.made).toHaveLength(3);

    newest().say({ type: "hello" });
    expect(onReconnected).toHaveBeenCalledTimes(1);
    socket.stop();
  });

  it("hurries when the browser is online again", async () => {
    const { newest, socket } = setUp();
    newest().drop();
    window.dispatchEvent(new Event("online"));
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeSocket.made).toHaveLength(2);
    socket.stop();
  });

  it("renews the session before the next try, at once when told to sign in again", async () => {
    const renew = vi.fn(async () => undefined);
    const { newest, socket } = setUp(renew);
    newest().drop(4401);
    await vi.advanceTimersByTimeAsync(0);
    expect(renew).toHaveBeenCalledTimes(1);
    expect(FakeSocket.made).toHaveLength(2);
    socket.stop();
  });

  it("stops for good when the session is over, and goes on when the server is merely away", async () => {
    const over = setUp(() => Promise.reject(new ApiError("unauthenticated", "Sign in.", 401, false)));
    over.newest().drop(4401);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.made).toHaveLength(1);

    const away = setUp(() => Promise.reject(new ApiError("network", "Away.", 0, true)));
    away.newest().drop();
    await vi.advanceTimersByTimeAsync(1000);
    expect(FakeSocket.made).toHaveLength(3);
    away.socket.stop();
  });

  it("does not come back after it was stopped", async () => {
    const { newest, socket } = setUp();
    const first = newest();
    socket.stop();
    first.drop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(first.closed).toBe(true);
    expect(FakeSocket.made).toHaveLength(1);
  });
});
