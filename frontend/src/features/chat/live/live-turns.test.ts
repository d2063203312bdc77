import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "@/lib/api/error";
import type { Message } from "@/lib/api/types";
import { LiveTurns } from "./live-turns";
import type { TurnSink } from "./turn-sink";
import { completed, delta, frame, started, streamOf } from "./test-stream";

const api = vi.hoisted(() => ({
  startTurn: vi.fn(),
  retryTurn: vi.fn(),
  turnEvents: vi.fn(),
  stopTurn: vi.fn(),
}));
vi.mock("../api/start-turn", () => ({ startTurn: api.startTurn }));
vi.mock("../api/retry-turn", () => ({ retryTurn: api.retryTurn }));
vi.mock("../api/turn-events", () => ({ turnEvents: api.turnEvents }));
vi.mock("../api/stop-turn", () => ({ stopTurn: api.stopTurn }));

/** Frames that the test paints itself. */
function handFrames() {
  const waiting: (() => void)[] = [];
  const schedule = (work: () => void) => {
    waiting.push(work);
    return () => waiting.splice(waiting.indexOf(work), 1);
  };
  return { schedule, paint: () => waiting.splice(0).forEach((work) => work()), waiting };
}

function sinkOf() {
  return {
    started: vi.fn<TurnSink["started"]>(),
    settled: vi.fn<TurnSink["settled"]>(),
    stale: vi.fn<TurnSink["stale"]>(),
  };
}

const answer = (fields: Partial<Message>): Message =>
  ({
    id: "msg_a",
    conversation_id: "cnv_1",
    parent_id: "msg_q",
    turn_id: "trn_1",
    role: "assistant",
    content: "",
    status: "streaming",
    model: "simulated",
    created_at: "2026-01-01T00:00:00Z",
    ...fields,
  }) as Message;

describe("LiveTurns", () => {
  beforeEach(() => Object.values(api).forEach((mock) => mock.mockReset()));

  it("settles a turn with its whole text, also what was never painted", async () => {
    api.startTurn.mockResolvedValue(streamOf(started() + delta(2, "Hel") + delta(3, "lo") + completed(4)));
    const turns = new LiveTurns(handFrames().schedule);
    const sink = sinkOf();
    turns.connect(sink);

    turns.start("cnv_1", "Hi?", "simulated", answer({ id: "msg_last" }));
    await vi.waitFor(() => expect(sink.settled).toHaveBeenCalled());

    expect(sink.started).toHaveBeenCalledWith("cnv_1", "trn_1");
    const [id, settled] = sink.settled.mock.calls[0]!;
    expect(id).toBe("cnv_1");
    expect(settled).toMatchObject({
      user: { id: "msg_q", content: "Hi?", parent_id: "msg_last" },
      answer: { id: "msg_a", content: "Hello", status: "complete" },
    });
    expect(turns.turn("cnv_1")).toBeNull();
  });

  it("hands text on once a frame, however many pieces came", async () => {
    const pieces = Array.from({ length: 50 }, (_, index) => delta(index + 2, "x")).join("");
    api.startTurn.mockResolvedValue(streamOf(started() + pieces, "hang"));
    const frames = handFrames();
    const turns = new LiveTurns(frames.schedule);
    turns.start("cnv_1", "Hi?", "simulated", null);
    await vi.waitFor(() => expect(frames.waiting).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 0));
    const notified = vi.fn();
    turns.subscribe(notified);

    expect(turns.text("cnv_1")).toBe("");
    frames.paint();

    expect(turns.text("cnv_1")).toBe("x".repeat(50));
    expect(notified).toHaveBeenCalledTimes(1);
    turns.leaveAll();
  });

  it("gives a refused message back with the time to wait", async () => {
    api.startTurn.mockRejectedValue(new ApiError("rate_limited", "Slow down.", 429, true, 9000));
    const turns = new LiveTurns(handFrames().schedule);
    const sink = sinkOf();
    turns.connect(sink);

    turns.start("cnv_1", "precious words", "simulated", null);
    await vi.waitFor(() => expect(turns.refusal("cnv_1")).not.toBeNull());

    const refusal = turns.refusal("cnv_1");
    expect(refusal).toMatchObject({ content: "precious words", error: { code: "rate_limited" } });
    expect(refusal?.retryAt).toBeGreaterThan(Date.now() + 8000);
    expect(turns.turn("cnv_1")).toBeNull();
    expect(sink.stale).not.toHaveBeenCalled();
  });

  it("keeps the key of a message while it is not known whether it arrived, and takes a new one when it is", async () => {
    const away = new ApiError("network", "Away.", 0, true);
    api.startTurn.mockRejectedValue(away);
    const turns = new LiveTurns(handFrames().schedule);
    const sink = sinkOf();
    turns.connect(sink);
    vi.useFakeTimers();
    turns.start("cnv_1", "Hi?", "simulated", null);
    await vi.advanceTimersByTimeAsync(120_000);
    vi.useRealTimers();
    expect(turns.refusal("cnv_1")?.content).toBe("Hi?");
    expect(sink.stale).toHaveBeenCalledWith("cnv_1");
    const keyOf = (call: number) => api.startTurn.mock.calls[call]![2] as string;
    const tries = api.startTurn.mock.calls.length;
    expect(tries).toBeGreaterThan(1);
    expect(new Set(Array.from({ length: tries }, (_, at) => keyOf(at))).size).toBe(1);

    api.startTurn.mockImplementation(async () => streamOf(started() + completed(2)));
    turns.start("cnv_1", "Hi?", "simulated", null);
    await vi.waitFor(() => expect(sink.settled).toHaveBeenCalledTimes(1));
    expect(keyOf(tries)).toBe(keyOf(0));
    turns.start("cnv_1", "Hi?", "simulated", null);
    await vi.waitFor(() => expect(sink.settled).toHaveBeenCalledTimes(2));
    expect(keyOf(tries + 1)).not.toBe(keyOf(0));
  });

  it("sends an edit as a branch below the parent of the message, and gives it back to be edited further", async () => {
    api.startTurn.mockRejectedValueOnce(new ApiError("budget_exhausted", "Used up.", 402, false, 60_000));
    const turns = new LiveTurns(handFrames().schedule);
    turns.start("cnv_1", "Better words", "simulated", null, answer({ id: "msg_q1", role: "user", parent_id: null }));
    await vi.waitFor(() => expect(turns.refusal("cnv_1")).not.toBeNull());
    expect(api.startTurn.mock.calls[0]![1]).toEqual({ content: "Better words", model: "simulated", parent_id: null });
    expect(turns.refusal("cnv_1")).toMatchObject({ content: "Better words", edits: "msg_q1" });
  });

  it("never changes the text that is shown, also when the connection was given up and taken up again", async () => {
    api.turnEvents.mockResolvedValueOnce(streamOf(started() + delta(2, "Hel")));
    api.turnEvents.mockRejectedValueOnce(new ApiError("not_found", "Away.", 404, false));
    const turns = new LiveTurns((work) => {
      const timer = setTimeout(work, 0);
      return () => clearTimeout(timer);
    });
    const shown: string[] = [];
    turns.subscribe(() => shown.push(turns.text("cnv_1")));
    turns.resume(answer({ content: "Hel" }));
    expect(turns.text("cnv_1")).toBe("Hel");
    await vi.waitFor(() => expect(turns.turn("cnv_1")?.connection).toBe("lost"), { timeout: 3000 });

    api.turnEvents.mockResolvedValueOnce(streamOf(delta(3, "lo") + completed(4)));
    const sink = sinkOf();
    turns.connect(sink);
    turns.reconnect("cnv_1");
    await vi.waitFor(() => expect(turns.turn("cnv_1")).toBeNull());
    expect(sink.settled.mock.calls[0]![1].answer.content).toBe("Hello");

    expect(api.turnEvents.mock.calls.map(([, after]: unknown[]) => after)).toEqual([0, 2, 2]);
    expect(shown.filter(Boolean).every((text) => "Hello".startsWith(text) && text.length >= 3)).toBe(true);
  });

  it("says while the turn is carried on elsewhere, until its text goes on", async () => {
    const dead = 'event: turn.status\ndata: {"state":"reconnecting"}\n\n';
    api.startTurn.mockResolvedValue(streamOf(started() + delta(2, "a") + dead, "hang"));
    const turns = new LiveTurns(handFrames().schedule);
    turns.start("cnv_1", "Hi?", "simulated", null);
    await vi.waitFor(() => expect(turns.turn("cnv_1")?.engine.state).toBe("reconnecting"));
    expect(turns.turn("cnv_1")?.connection).toBe("open");
    turns.leaveAll();
  });

  it("follows over a broken connection and says so meanwhile", async () => {
    api.startTurn.mockResolvedValue(streamOf(started() + delta(2, "Hel"), "break"));
    api.turnEvents.mockResolvedValue(streamOf(delta(3, "lo") + completed(4)));
    const turns = new LiveTurns(handFrames().schedule);
    const sink = sinkOf();
    turns.connect(sink);
    const seen = new Set<string>();
    turns.subscribe(() => seen.add(turns.turn("cnv_1")?.connection ?? "gone"));

    turns.start("cnv_1", "Hi?", "simulated", null);
    await vi.waitFor(() => expect(sink.settled).toHaveBeenCalled(), { timeout: 3000 });

    expect(seen).toContain("reconnecting");
    expect(api.turnEvents).toHaveBeenCalledWith("trn_1", 2, expect.any(AbortSignal));
    expect(sink.settled.mock.calls[0]![1].answer.content).toBe("Hello");
  });

  it("takes up a running turn without repeating the question, and once only", async () => {
    api.turnEvents.mockResolvedValue(streamOf(started() + delta(2, "on") + completed(3)));
    const turns = new LiveTurns(handFrames().schedule);
    const sink = sinkOf();
    turns.connect(sink);

    turns.resume(answer({}));
    turns.resume(answer({}));
    await vi.waitFor(() => expect(sink.settled).toHaveBeenCalled());

    expect(api.turnEvents).toHaveBeenCalledTimes(1);
    expect(sink.settled.mock.calls[0]![1]).toMatchObject({ user: null, answer: { content: "on" } });
  });

  it("replaces the failed answer when it is tried again", async () => {
    api.retryTurn.mockResolvedValue(streamOf(started() + delta(2, "better") + completed(3)));
    const turns = new LiveTurns(handFrames().schedule);
    const sink = sinkOf();
    turns.connect(sink);

    turns.retry(answer({ id: "msg_old", turn_id: "trn_0", status: "failed" }), "simulated");
    await vi.waitFor(() => expect(sink.settled).toHaveBeenCalled());

    expect(api.retryTurn).toHaveBeenCalledWith("trn_0", { model: "simulated" }, expect.any(String), expect.any(AbortSignal));
    expect(sink.settled.mock.calls[0]![1]).toMatchObject({ user: null, replaces: "msg_old" });
  });

  it("shows the connection as lost, not the answer as failed, when the log cannot be read", async () => {
    api.turnEvents.mockRejectedValue(new ApiError("not_found", "Gone.", 404, false));
    const turns = new LiveTurns(handFrames().schedule);
    turns.resume(answer({}));
    await vi.waitFor(() => expect(turns.turn("cnv_1")?.connection).toBe("lost"));
    expect(turns.lost()).toEqual(["cnv_1"]);

    api.turnEvents.mockResolvedValue(streamOf(started() + completed(2)));
    turns.reconnect("cnv_1");
    await vi.waitFor(() => expect(turns.turn("cnv_1")).toBeNull());
  });

  it("lets go of the stop button again when stopping did not work", async () => {
    api.startTurn.mockResolvedValue(streamOf(started(), "hang"));
    api.stopTurn.mockRejectedValue(new ApiError("network", "No.", 0, true));
    const turns = new LiveTurns(handFrames().schedule);
    turns.start("cnv_1", "Hi?", "simulated", null);
    await vi.waitFor(() => expect(turns.turn("cnv_1")?.phase).toBe("answering"));

    turns.stop("cnv_1");
    expect(turns.turn("cnv_1")?.phase).toBe("stopping");
    await vi.waitFor(() => expect(turns.turn("cnv_1")?.phase).toBe("answering"));
    turns.leaveAll();
  });

  it("stops a turn that was called off before it had begun, once it has", async () => {
    let begin: (response: Response) => void = () => undefined;
    api.startTurn.mockReturnValue(new Promise<Response>((resolve) => (begin = resolve)));
    api.stopTurn.mockResolvedValue(undefined);
    const turns = new LiveTurns(handFrames().schedule);
    turns.start("cnv_1", "Hi?", "simulated", null);

    turns.stop("cnv_1");
    turns.stop("cnv_1");
    expect(turns.turn("cnv_1")?.phase).toBe("stopping");
    expect(api.stopTurn).not.toHaveBeenCalled();
    begin(streamOf(started(), "hang"));
    await vi.waitFor(() => expect(api.stopTurn).toHaveBeenCalledWith("trn_1"));
    expect(api.stopTurn).toHaveBeenCalledOnce();
    expect(turns.turn("cnv_1")?.phase).toBe("stopping");
    turns.leaveAll();
  });

  it("keeps the text of a turn that failed midway", async () => {
    const failed = frame(3, "turn.failed", { reason: "engine_failed", message: "It broke.", retry: true });
    api.startTurn.mockResolvedValue(streamOf(started() + delta(2, "Half") + failed));
    const turns = new LiveTurns(handFrames().schedule);
    const sink = sinkOf();
    turns.connect(sink);
    turns.start("cnv_1", "Hi?", "simulated", null);
    await vi.waitFor(() => expect(sink.settled).toHaveBeenCalled());
    expect(sink.settled.mock.calls[0]![1].answer).toMatchObject({
      content: "Half",
      status: "failed",
      error: { message: "It broke." },
    });
  });
});
