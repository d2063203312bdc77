import { randomBytes, randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { answerTo, titleFor } from "./engine.mjs";

const now = () => new Date().toISOString();
export const newId = (prefix) => `${prefix}_${randomUUID().replaceAll("-", "")}`;

export const models = [
  {
    name: "simulated",
    title: "Simulated",
    description: "Answers at once from a script. For tests.",
    engine: "simulated",
    state: "ready",
    detail: null,
    revision: "r1",
    context_window: 8192,
    max_output_tokens: 2048,
  },
  {
    name: "smollm2-135m",
    title: "SmolLM2 135M",
    description: "",
    engine: "vllm",
    state: "warming",
    detail: "compiling kernels, 40 s so far",
    revision: "r1",
    context_window: 2048,
    max_output_tokens: 1024,
  },
  {
    name: "openai",
    title: "OpenAI",
    description: "",
    engine: "openai",
    state: "failed",
    detail: "OPENAI_API_KEY is not set",
    revision: null,
    context_window: 128000,
    max_output_tokens: 16384,
  },
];

/** Everything in memory: gone when the process ends. Emits what the WebSocket sends, as ("push", userId, event). */
export class Store extends EventEmitter {
  users = new Map();
  sessions = new Map();
  keys = new Map();
  conversations = new Map();
  messages = new Map();
  turns = new Map();

  register({ email, password, name }) {
    if ([...this.users.values()].some((user) => user.email === email)) return;
    const id = newId("usr");
    this.users.set(id, { id, email, password, name, role: "user", created_at: now() });
  }

  login({ email, password }) {
    const user = [...this.users.values()].find((one) => one.email === email && one.password === password);
    if (!user) return null;
    const token = randomBytes(16).toString("hex");
    this.sessions.set(token, user.id);
    return { token, user };
  }

  createConversation(userId, { title = null, model = null }) {
    const conversation = {
      id: newId("cnv"),
      title,
      model,
      created_at: now(),
      updated_at: now(),
      running_turn_id: null,
    };
    this.conversations.set(conversation.id, { ...conversation, userId });
    this.messages.set(conversation.id, []);
    this.emit("push", userId, { type: "conversation.created", conversation });
    return conversation;
  }

  conversationOf(userId, id) {
    const found = this.conversations.get(id);
    return found?.userId === userId ? found : null;
  }

  view({ userId: _, ...conversation }) {
    return conversation;
  }

  change(conversation, patch) {
    Object.assign(conversation, patch);
    this.emit("push", conversation.userId, { type: "conversation.updated", conversation: this.view(conversation) });
  }

  startTurn(conversation, { content, model }) {
    const list = this.messages.get(conversation.id);
    const question = this.message(conversation.id, { role: "user", content, status: "complete" });
    list.push(question);
    return this.answer(conversation, question, model);
  }

  retryTurn(turn, model) {
    const conversation = this.conversations.get(turn.conversationId);
    const list = this.messages.get(conversation.id);
    const question = list.find((message) => message.id === turn.question.id);
    this.messages.set(
      conversation.id,
      list.filter((message) => message.parent_id !== question.id),
    );
    return this.answer(conversation, question, model ?? turn.answer.model);
  }

  message(conversationId, fields) {
    return {
      id: newId("msg"),
      conversation_id: conversationId,
      parent_id: null,
      turn_id: null,
      model: null,
      revision: null,
      finish_reason: null,
      error: null,
      prompt_tokens: null,
      completion_tokens: null,
      ttft_ms: null,
      duration_ms: null,
      trimmed_messages: null,
      created_at: now(),
      ...fields,
    };
  }

  answer(conversation, question, model) {
    const turnId = newId("trn");
    const answer = this.message(conversation.id, {
      role: "assistant",
      content: "",
      status: "streaming",
      parent_id: question.id,
      turn_id: turnId,
      model,
      revision: "r1",
      trimmed_messages: 0,
    });
    question.turn_id ??= turnId;
    this.messages.get(conversation.id).push(answer);
    const turn = new EventEmitter();
    turn.setMaxListeners(50);
    Object.assign(turn, {
      id: turnId,
      userId: conversation.userId,
      conversationId: conversation.id,
      question,
      answer,
      log: [],
      stopping: false,
    });
    this.turns.set(turnId, turn);
    this.change(conversation, { running_turn_id: turnId, updated_at: now() });
    this.emit("push", conversation.userId, {
      type: "turn.started",
      conversation_id: conversation.id,
      turn_id: turnId,
      status: "running",
    });
    void this.run(turn, conversation);
    return turn;
  }

  async run(turn, conversation) {
    const { answer, question } = turn;
    const begun = Date.now();
    const { pieces, delayMs, failAfter, finish } = answerTo(question.content);
    const log = (event, data) => {
      turn.log.push({ id: turn.log.length + 1, event, data });
      turn.emit("event");
    };
    log("turn.started", {
      turn_id: turn.id,
      conversation_id: conversation.id,
      message_id: question.id,
      answer_id: answer.id,
      model: answer.model,
      revision: answer.revision,
      trimmed_messages: 0,
    });
    await pause(250);
    let sent = 0;
    for (const piece of pieces) {
      if (turn.stopping || (failAfter !== null && sent >= failAfter)) break;
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
      this.settle(turn, conversation);
      log("turn.stopped", { ttft_ms, duration_ms });
    } else if (failAfter !== null) {
      answer.status = "failed";
      answer.error = { reason: "engine_failed", message: "The model stopped answering.", retry: true };
      this.settle(turn, conversation);
      log("turn.failed", answer.error);
    } else {
      answer.status = "complete";
      answer.finish_reason = finish;
      this.settle(turn, conversation);
      log("turn.completed", { finish_reason: finish, ttft_ms, duration_ms });
    }
    if (conversation.title === null && this.conversations.has(conversation.id)) {
      await pause(600);
      if (conversation.title === null) this.change(conversation, { title: titleFor(question.content) });
    }
  }

  settle(turn, conversation) {
    turn.done = true;
    if (!this.conversations.has(conversation.id)) return;
    this.change(conversation, { running_turn_id: null });
    this.emit("push", turn.userId, {
      type: "turn.ended",
      conversation_id: conversation.id,
      turn_id: turn.id,
      status: turn.answer.status,
    });
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
