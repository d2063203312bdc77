import { describe, expect, it, vi } from "vitest";
import { ApiError } from "@/lib/api/error";
import type { TurnEvent } from "@/lib/api/types";
import { followTurn, type FollowParts } from "./follow";
import type { TurnFrame } from "./parse-event";
import { completed, delta, started, streamOf } from "./test-stream";

/** Follow with answers in order; the first of them is the request that began the turn, unless `resumed`. */
function follow(answers: (Response | Error)[], options: Partial<FollowParts> & { resumed?: boolean } = {}) {
  const events: TurnEvent[] = [];
  const connections: string[] = [];
  const statuses: string[] = [];
  const resumedAfter: number[] = [];
  const pauses: number[] = [];
  const next = async () => {
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    if (answer instanceof Error) throw answer;
    return answer.body?.locked ? streamOf("") : answer;
  };
  const result = followTurn({
    first: options.resumed ? null : next,
    resume: (after) => {
      resumedAfter.push(after);
      return next();
    },
    onEvent: (event) => events.push(event),
    onStatus: (status) => statuses.push(status.state),
    onConnection: (state) => connections.push(state),
    pause: async (ms) => {
      pauses.push(ms);
    },
    signal: new AbortController().signal,
    random: () => 0,
    idleMs: 30,
    ...options,
  });
  const text = () => events.map((event) => (event.name === "delta" ? event.data.text : "")).join("");
  return { result, events, connections, statuses, resumedAfter, pauses, text };
}

describe("followTurn", () => {
  it("ends with the terminal event", async () => {
    const run = follow([streamOf(started() + delta(2, "Hel") + delta(3, "lo") + completed(4))]);
    expect(await run.result).toBe("ended");
    expect(run.text()).toBe("Hello");
    expect(run.resumedAfter).toEqual([]);
  });

  it.each(["close", "break", "hang"] as const)("goes on from the last number when the stream ends with a %s", async (end) => {
    const run = follow([streamOf(started() + delta(2, "Hel"), end), streamOf(delta(3, "lo") + completed(4))]);
    expect(await run.result).toBe("ended");
    expect(run.text()).toBe("Hello");
    expect(run.resumedAfter).toEqual([2]);
    expect(run.connections).toEqual(["open", "reconnecting", "open"]);
  });

  it("drops events it has seen and asks again for one it missed", async () => {
    const run = follow([
      streamOf(started() + delta(2, "a") + delta(4, "MISSED 3")),
      streamOf(started() + delta(2, "a") + delta(3, "b") + delta(4, "c") + completed(5)),
    ]);
    expect(await run.result).toBe("ended");
    expect(run.text()).toBe("abc");
    expect(run.resumedAfter).toEqual([2]);
  });

  it("ignores unknown events and broken bodies, but counts their numbers", async () => {
    const odd = 'id: 2\nevent: turn.levitated\ndata: {}\n\nid: 3\nevent: delta\ndata: {"text":7}\n\nid: 4\nevent: delta\ndata: {\n\n';
    const run = follow([streamOf(started() + odd + delta(5, "ok") + completed(6))]);
    expect(await run.result).toBe("ended");
    expect(run.events.map((event) => event.name)).toEqual(["turn.started", "delta", "turn.completed"]);
  });

  it("follows a turn that runs already, from its start", async () => {
    const run = follow([streamOf(started() + delta(2, "x") + completed(3))], { resumed: true });
    expect(await run.result).toBe("ended");
    expect(run.resumedAfter).toEqual([0]);
  });

  it("waits longer each time, and starts afresh once events come again", async () => {
    const down = new ApiError("unavailable", "Down.", 503, true);
    const run = follow([
      streamOf(started()),
      down,
      down,
      down,
      streamOf(delta(2, "x")),
      streamOf(completed(3)),
    ]);
    expect(await run.result).toBe("ended");
    expect(run.pauses).toEqual([250, 500, 1000, 2000, 250]);
  });

  it("waits as long as the server says", async () => {
    const busy = new ApiError("rate_limited", "Busy.", 429, true, 7000);
    const run = follow([streamOf(started()), busy, streamOf(completed(2))]);
    expect(await run.result).toBe("ended");
    expect(run.pauses).toEqual([250, 7000]);
  });

  it("hears that the turn is being carried on elsewhere, and counts no number for it", async () => {
    const status = (state: string) => `event: turn.status\ndata: {"state":"${state}"}\n\n`;
    const run = follow([
      streamOf(
        status("reconnecting") + started() + delta(2, "a") + status("reconnecting") + status("odd") + status("running") +
          delta(3, "b") + completed(4),
      ),
    ]);
    expect(await run.result).toBe("ended");
    expect(run.statuses).toEqual(["reconnecting", "reconnecting", "running"]);
    expect(run.text()).toBe("ab");
    expect(run.resumedAfter).toEqual([]);
  });

  it("goes on from a number that is known already", async () => {
    const run = follow([streamOf(delta(7, "x") + completed(8))], { resumed: true, after: 6 });
    expect(await run.result).toBe("ended");
    expect(run.resumedAfter).toEqual([6]);
    expect(run.text()).toBe("x");
  });

  it("asks the first request again while nobody has answered it", async () => {
    const first = vi
      .fn<() => Promise<Response>>()
      .mockRejectedValueOnce(new ApiError("network", "Away.", 0, true))
      .mockRejectedValueOnce(new ApiError("idempotency_in_flight", "Under way.", 409, true, 1000))
      .mockResolvedValueOnce(streamOf("", "break"))
      .mockResolvedValueOnce(streamOf(started() + completed(2)));
    const run = follow([streamOf("")], { first });
    expect(await run.result).toBe("ended");
    expect(first).toHaveBeenCalledTimes(4);
    expect(run.resumedAfter).toEqual([]);
  });

  it("gives a message back after a bounded number of tries that nobody answered", async () => {
    const away = new ApiError("network", "Away.", 0, true);
    const run = follow([away]);
    await expect(run.result).rejects.toBe(away);
    expect(run.pauses).toHaveLength(6);
  });

  it("gives up after a bounded number of failures in a row", async () => {
    const run = follow([streamOf(started()), new TypeError("offline")]);
    expect(await run.result).toBe("lost");
    expect(run.pauses).toHaveLength(12);
  });

  it("throws what the first request was refused with, without trying again", async () => {
    const refused = new ApiError("rate_limited", "Slow down.", 429, true, 1000);
    const run = follow([refused]);
    await expect(run.result).rejects.toBe(refused);
    expect(run.pauses).toEqual([]);
  });

  it("throws when the live log is gone", async () => {
    const gone = new ApiError("not_found", "Gone.", 404, false);
    const run = follow([streamOf(started()), gone]);
    await expect(run.result).rejects.toBe(gone);
  });

  it("leaves at once when told to, also while it waits", async () => {
    const abort = new AbortController();
    const pause = vi.fn(async () => {
      abort.abort();
      throw new Error("aborted");
    });
    const run = follow([streamOf(started())], { signal: abort.signal, pause });
    expect(await run.result).toBe("left");
  });
});

describe("followTurn over the socket", () => {
  /** Frames of the socket, which then breaks unless the last one ends the turn. */
  async function* brought(...frames: TurnFrame[]): AsyncGenerator<TurnFrame> {
    yield* frames;
    await Promise.resolve();
    throw new Error("the socket was closed");
  }
  const text = (seq: number, said: string, first = seq): TurnFrame => ({ seq, first, event: "delta", data: { text: said } });
  const begun: TurnFrame = {
    seq: 1,
    first: 1,
    event: "turn.started",
    data: { turn_id: "trn_1", message_id: "msg_q", answer_id: "msg_a" },
  };
  const ended: TurnFrame = { seq: 6, first: 6, event: "turn.completed", data: { finish_reason: "stop" } };

  it("takes joined text, and needs no stream", async () => {
    const asked: number[] = [];
    const run = follow([new Error("no stream")], {
      resumed: true,
      socket: (after) => {
        asked.push(after);
        return brought(begun, text(4, "abc", 2), text(5, "d"), ended);
      },
    });
    expect(await run.result).toBe("ended");
    expect(run.text()).toBe("abcd");
    expect(asked).toEqual([0]);
    expect(run.resumedAfter).toEqual([]);
    expect(run.connections).toEqual(["open"]);
  });

  it("goes on over a stream from the last number when the socket breaks, and when a number is missing", async () => {
    for (const frames of [
      [begun, text(2, "a")],
      [begun, text(2, "a"), text(4, "MISSED 3")],
      [begun, text(2, "a"), text(3, "OVERLAPS", 2)],
    ]) {
      const run = follow([streamOf(delta(3, "b") + completed(4))], { resumed: true, socket: () => brought(...frames) });
      expect(await run.result).toBe("ended");
      expect(run.text()).toBe("ab");
      expect(run.resumedAfter).toEqual([2]);
      expect(run.connections).toEqual(["open", "reconnecting", "open"]);
    }
  });

  it("tells how the turn goes, and takes a stream where there is no socket", async () => {
    const status: TurnFrame = { seq: 0, first: 0, event: "turn.status", data: { state: "reconnecting" } };
    const run = follow([streamOf("")], { resumed: true, socket: () => brought(status, begun, text(5, "abcd", 2), ended) });
    expect(await run.result).toBe("ended");
    expect(run.statuses).toEqual(["reconnecting"]);

    const without = follow([streamOf(started() + completed(2))], { resumed: true, socket: () => null });
    expect(await without.result).toBe("ended");
    expect(without.resumedAfter).toEqual([0]);
  });

  it("never asks the socket for a turn that this page begins", async () => {
    const socket = vi.fn(() => brought(ended));
    const run = follow([streamOf(started() + delta(2, "x") + completed(3))], { socket });
    expect(await run.result).toBe("ended");
    expect(socket).not.toHaveBeenCalled();
  });
});
