import { answerTo } from "./engine.mjs";

const DEAD_MS = 1_500;
const QUEUED_MS = 1_500;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Writes an answer into a turn's log piece by piece. `turn.finish` logs the last event, once all is settled. */
export async function runTurn(turn) {
  const { answer, question } = turn;
  const begun = Date.now();
  const { pieces, delayMs, failAfter, dieAfter, place, finish } = answerTo(question.content);
  const limit = turn.parameters.max_tokens ?? Infinity;
  const log = (event, data) => {
    turn.log.push({ id: turn.log.length + 1, event, data });
    turn.emit("event");
  };
  const be = (state, more = {}) => {
    turn.state = state;
    turn.emit("status", { state, ...more });
  };
  log("turn.started", {
    turn_id: turn.id,
    conversation_id: turn.conversationId,
    message_id: question.id,
    answer_id: answer.id,
    model: answer.model,
    revision: answer.revision,
    trimmed_messages: answer.trimmed_messages,
    summarised_messages: answer.summarised_messages,
  });
  await pause(250);
  for (let before = place; before > 0; before -= 1) {
    be("queued", { place: before });
    await pause(QUEUED_MS);
  }
  if (place > 0) be("running");
  let sent = 0;
  for (const piece of pieces) {
    if (turn.stopping || sent >= (failAfter ?? limit) || sent >= limit) break;
    if (sent === dieAfter) {
      be("reconnecting");
      await pause(DEAD_MS);
      be("running");
    }
    answer.ttft_ms ??= Date.now() - begun;
    answer.content += piece;
    log("delta", { text: piece });
    sent += 1;
    await pause(delayMs);
  }
  Object.assign(answer, {
    prompt_tokens: question.content.split(/\s+/).length + 12,
    completion_tokens: sent,
    duration_ms: Date.now() - begun,
  });
  const { prompt_tokens, completion_tokens, ttft_ms, duration_ms } = answer;
  log("usage", { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens });
  if (turn.stopping) {
    answer.status = "stopped";
    turn.finish = () => log("turn.stopped", { ttft_ms, duration_ms });
  } else if (failAfter !== null) {
    answer.status = "failed";
    answer.error = { reason: "engine_failed", message: "The model stopped answering.", retry: true };
    turn.finish = () => log("turn.failed", answer.error);
  } else {
    answer.status = "complete";
    answer.finish_reason = sent >= limit ? "length" : finish;
    turn.finish = () => log("turn.completed", { finish_reason: answer.finish_reason, ttft_ms, duration_ms });
  }
  turn.done = true;
}
