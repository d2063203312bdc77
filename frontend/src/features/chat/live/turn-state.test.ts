import { describe, expect, it } from "vitest";
import type { TurnEvent } from "@/lib/api/types";
import { answerOf, reduceTurn, userMessageOf, type LiveTurn } from "./turn-state";

const sending: LiveTurn = {
  conversationId: "cnv_1",
  turnId: null,
  messageId: null,
  answerId: null,
  content: "Hello?",
  startedAt: "2026-01-01T00:00:00Z",
  model: "asked-for",
  revision: null,
  phase: "sending",
  connection: "open",
  trimmed: 0,
  summarised: 0,
  promptTokens: null,
  completionTokens: null,
  engine: { state: "running", place: null },
  replaces: null,
  parentId: null,
  edits: null,
  outcome: null,
};
const begun: TurnEvent = {
  seq: 1,
  name: "turn.started",
  data: {
    turn_id: "trn_1",
    conversation_id: "cnv_1",
    message_id: "msg_q",
    answer_id: "msg_a",
    model: "served",
    revision: "r2",
    trimmed_messages: 3,
    summarised_messages: 2,
  },
};
const usage: TurnEvent = {
  seq: 3,
  name: "usage",
  data: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 },
};
const after = (...events: TurnEvent[]) => events.reduce(reduceTurn, sending);

describe("reduceTurn", () => {
  it("takes ids, model and trimmed count from the start", () => {
    expect(after(begun)).toMatchObject({
      turnId: "trn_1",
      messageId: "msg_q",
      answerId: "msg_a",
      model: "served",
      revision: "r2",
      trimmed: 3,
      phase: "answering",
    });
  });

  it("says who answered in the end", () => {
    const elsewhere: TurnEvent = { ...usage, data: { ...usage.data, model: "spare", revision: "r7" } };
    expect(after(begun, elsewhere)).toMatchObject({ model: "spare", revision: "r7" });
    expect(after(begun, usage)).toMatchObject({ model: "served", revision: "r2" });
  });

  it("keeps stopping when the start is told late", () => {
    expect(reduceTurn({ ...sending, phase: "stopping" }, begun).phase).toBe("stopping");
  });

  it("leaves the state as it is for text, so that nothing but the text renders", () => {
    const turn = after(begun);
    expect(reduceTurn(turn, { seq: 2, name: "delta", data: { text: "x" } })).toBe(turn);
  });

  it("becomes the message that the server will list", () => {
    const turn = after(begun, usage, {
      seq: 4,
      name: "turn.completed",
      data: { finish_reason: "length", ttft_ms: 120, duration_ms: 2000 },
    });
    expect(answerOf(turn, "Hi.")).toMatchObject({
      id: "msg_a",
      parent_id: "msg_q",
      turn_id: "trn_1",
      role: "assistant",
      content: "Hi.",
      status: "complete",
      finish_reason: "length",
      model: "served",
      revision: "r2",
      prompt_tokens: 10,
      completion_tokens: 20,
      ttft_ms: 120,
      duration_ms: 2000,
      trimmed_messages: 3,
      summarised_messages: 2,
      error: null,
    });
    expect(userMessageOf(turn)).toMatchObject({ id: "msg_q", role: "user", content: "Hello?" });
  });

  it("keeps the reason of a failure and the times of a stop", () => {
    const error = { reason: "engine_failed", message: "The model stopped answering.", retry: true };
    expect(answerOf(after(begun, { seq: 2, name: "turn.failed", data: error }), "Ha")).toMatchObject({
      status: "failed",
      content: "Ha",
      error,
    });
    const stopped = after(begun, { seq: 2, name: "turn.stopped", data: { ttft_ms: null, duration_ms: 50 } });
    expect(answerOf(stopped, "")).toMatchObject({ status: "stopped", ttft_ms: null, duration_ms: 50 });
  });

  it("shows a message before the server has named it", () => {
    expect(userMessageOf(sending)?.id).toMatch(/^pending-/);
    expect(answerOf(sending, "").status).toBe("streaming");
    expect(userMessageOf({ ...sending, content: null })).toBeNull();
  });
});
