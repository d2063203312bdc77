import { describe, expect, it, vi } from "vitest";
import { SocketLostError, TurnSocket, type SocketEvent } from "./turn-socket";

const never = new AbortController().signal;

/** Read in the background; what came, and how it ended. */
function reading(events: AsyncGenerator<SocketEvent>) {
  const seen: SocketEvent[] = [];
  const ended = (async () => {
    try {
      for await (const event of events) seen.push(event);
      return "whole";
    } catch (error) {
      return error;
    }
  })();
  return { seen, ended };
}

function attached() {
  const sent: Record<string, unknown>[] = [];
  const socket = new TurnSocket();
  socket.attach((frame) => sent.push(frame as Record<string, unknown>));
  return { socket, sent };
}

describe("TurnSocket", () => {
  it("asks for a turn under a number of its own and gives its reader what comes for it", async () => {
    const { socket, sent } = attached();
    const one = reading(socket.follow("trn_1", 0, 1_000, never));
    const other = reading(socket.follow("trn_2", 7, 1_000, never));
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(sent).toEqual([
      { type: "follow", as: 1, turn_id: "trn_1", after: 0 },
      { type: "follow", as: 2, turn_id: "trn_2", after: 7 },
    ]);
    expect(socket.take({ type: "turn.event", as: 1, seq: 1, event: "turn.started", data: { a: 1 } })).toBe(true);
    expect(socket.take({ type: "delta", as: 2, seq: 9, first: 8, text: "ab" })).toBe(true);
    expect(socket.take({ type: "delta", as: 1, seq: 2, text: "c" })).toBe(true);
    expect(socket.take({ type: "conversation.updated" })).toBe(false);
    await vi.waitFor(() => expect(one.seen).toHaveLength(2));
    expect(one.seen).toEqual([
      { seq: 1, first: 1, event: "turn.started", data: { a: 1 } },
      { seq: 2, first: 2, event: "delta", data: { text: "c" } },
    ]);
    expect(other.seen).toEqual([{ seq: 9, first: 8, event: "delta", data: { text: "ab" } }]);
    socket.detach();
  });

  it("says that a turn is lost when it is refused, when the socket goes and when nothing comes", async () => {
    const { socket, sent } = attached();
    const refused = reading(socket.follow("trn_1", 0, 1_000, never));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    socket.take({ type: "delta", as: 1, seq: 1, text: "kept" });
    socket.take({ type: "turn.refused", as: 1, code: "going_away", message: "Ask again.", retry: true });
    expect(await refused.ended).toBeInstanceOf(SocketLostError);
    expect(refused.seen).toHaveLength(1);

    const silent = reading(socket.follow("trn_1", 0, 20, never));
    expect(await silent.ended).toBeInstanceOf(SocketLostError);

    const cut = reading(socket.follow("trn_1", 0, 1_000, never));
    await vi.waitFor(() => expect(sent.filter(({ type }) => type === "follow")).toHaveLength(3));
    socket.detach();
    expect(await cut.ended).toBeInstanceOf(SocketLostError);
    expect(socket.open).toBe(false);
    expect(await reading(socket.follow("trn_1", 0, 1_000, never)).ended).toBeInstanceOf(SocketLostError);
  });

  it("tells the server when its reader has seen enough, or was called off", async () => {
    const { socket, sent } = attached();
    for await (const event of { [Symbol.asyncIterator]: () => withOne(socket) }) {
      expect(event.seq).toBe(1);
      break;
    }
    expect(sent).toEqual([
      { type: "follow", as: 1, turn_id: "trn_1", after: 0 },
      { type: "unfollow", as: 1 },
    ]);
    const abort = new AbortController();
    const left = reading(socket.follow("trn_1", 0, 1_000, abort.signal));
    await vi.waitFor(() => expect(sent).toHaveLength(3));
    abort.abort();
    expect(await left.ended).toBeInstanceOf(SocketLostError);
    expect(sent.at(-1)).toEqual({ type: "unfollow", as: 2 });
  });

  it("waits on for a turn that is long in coming, as long as it is said to be alive", async () => {
    const { socket, sent } = attached();
    const slow = reading(socket.follow("trn_1", 0, 60, never));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    for (let times = 0; times < 4; times += 1) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      socket.take({ type: "turn.alive", as: 1 });
    }
    socket.take({ type: "delta", as: 1, seq: 1, text: "x" });
    await vi.waitFor(() => expect(slow.seen).toHaveLength(1));
    expect(await slow.ended).toBeInstanceOf(SocketLostError);
  });

  it("passes over what is for nobody", () => {
    const { socket } = attached();
    expect(socket.take({ type: "delta", as: 99, seq: 1, text: "x" })).toBe(true);
    expect(socket.take({ type: "turn.refused", as: null, code: "invalid", message: "No." })).toBe(true);
  });
});

function withOne(socket: TurnSocket): AsyncGenerator<SocketEvent> {
  const events = socket.follow("trn_1", 0, 1_000, never);
  queueMicrotask(() => socket.take({ type: "delta", as: 1, seq: 1, text: "x" }));
  return events;
}
