import { createHash, randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { titleFor } from "./engine.mjs";
import { newId } from "./ids.mjs";
import { Identity } from "./identity.mjs";
import { Jobs } from "./jobs.mjs";
import { Limits } from "./limits.mjs";
import { runTurn } from "./run-turn.mjs";
import { newestLeafBelow, pathTo, siblingsOf } from "./tree.mjs";

/** What the script "reads" at once: fewer than a real window, so that it is soon full. */
const WINDOW_MESSAGES = 40;

const now = () => new Date().toISOString();
const hash = (token) => createHash("sha256").update(token).digest("hex");

/** Everything in memory: gone when the process ends. Emits what the WebSocket sends, as ("push", userId, event). */
export class Store extends EventEmitter {
  users = new Map();
  /** Tokens of browsers, each with whose session it is. */
  sessions = new Map();
  keys = new Map();
  conversations = new Map();
  messages = new Map();
  turns = new Map();
  shares = new Map();
  prompts = new Map();
  groups = new Map();
  pictures = new Map();
  limits = new Limits((userId) => this.groups.get(this.users.get(userId)?.group_id));
  jobs = new Jobs(this);
  identity = new Identity();

  /** A person whose address begins with "admin" is one. */
  register({ email, password, name, role: invited }) {
    if ([...this.users.values()].some((user) => user.email === email)) return;
    const id = newId("usr");
    const role = invited ?? (/^admin/.test(email) ? "admin" : "user");
    const user = { id, email, password, name, role, created_at: now() };
    this.users.set(id, Object.assign(user, { email_verified: false, language: null, time_zone: null, delete_at: null, group_id: null, picture: null }));
    this.identity.send(email, "Confirm your email address", "/verify", user);
    this.identity.record("account.registered", "done", id);
  }

  login({ email, password }) {
    const user = [...this.users.values()].find((one) => one.email === email && one.password === password && one.active !== false);
    this.identity.record("login", user ? "done" : "refused", user?.id ?? null);
    return user ?? null;
  }

  open(user, secondFactor = false) {
    const token = randomBytes(16).toString("hex");
    this.sessions.set(token, { id: newId("ses"), userId: user.id, secondFactor, at: now() });
    return { token, user };
  }

  devices(userId, current) {
    const own = [...this.sessions].filter(([, session]) => session.userId === userId);
    return own.reverse().map(([token, { id, secondFactor, at }]) => ({
      id,
      created_at: at,
      last_used_at: at,
      expires_at: new Date(Date.now() + 864e5).toISOString(),
      address: "127.0.0.1",
      user_agent: "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/140.0 Safari/537.36",
      second_factor: secondFactor,
      current: token === current,
    }));
  }

  endSession(userId, id) {
    const found = [...this.sessions].find(([, session]) => session.id === id && session.userId === userId);
    return found !== undefined && this.sessions.delete(found[0]);
  }

  /** All of a person's but the one of the token `keep`; how many there were. */
  endSessions(userId, keep) {
    const ended = [...this.sessions].filter(([token, session]) => session.userId === userId && token !== keep);
    for (const [token] of ended) this.sessions.delete(token);
    return ended.length;
  }

  createConversation(userId, { title = null, model = null, system_prompt = null, parameters = {}, summarise = false }) {
    const conversation = {
      id: newId("cnv"),
      title,
      model,
      system_prompt,
      parameters,
      summarise,
      pinned: false,
      archived: false,
      share: null,
      created_at: now(),
      updated_at: now(),
      running_turn_id: null,
      userId,
      headId: null,
      deleted: false,
    };
    this.conversations.set(conversation.id, conversation);
    this.messages.set(conversation.id, []);
    this.emit("push", userId, { type: "conversation.created", conversation: this.view(conversation) });
    return this.view(conversation);
  }

  /** A person's conversation; `deleted` ones only when they are asked for. */
  conversationOf(userId, id, deleted = false) {
    const found = this.conversations.get(id);
    return found?.userId === userId && found.deleted === deleted ? found : null;
  }

  listed(userId, archived) {
    return [...this.conversations.values()]
      .filter((one) => one.userId === userId && !one.deleted && one.archived === archived)
      .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.updated_at.localeCompare(a.updated_at))
      .map((one) => this.view(one));
  }

  view({ userId: _, headId: __, deleted: ___, ...conversation }) {
    return conversation;
  }

  change(conversation, patch) {
    Object.assign(conversation, patch);
    if (conversation.deleted) return;
    this.emit("push", conversation.userId, { type: "conversation.updated", conversation: this.view(conversation) });
  }

  remove(conversation) {
    conversation.deleted = true;
    this.emit("push", conversation.userId, { type: "conversation.deleted", id: conversation.id });
  }

  restore(conversation) {
    this.change(conversation, { deleted: false });
  }

  path(conversation) {
    return pathTo(this.messages.get(conversation.id), conversation.headId);
  }

  messageView(message) {
    const siblings = siblingsOf(this.messages.get(message.conversation_id), message);
    if (message.role !== "assistant") return { ...message, siblings, turn: null };
    const { turn_id: id, status, revision, finish_reason, error, prompt_tokens, completion_tokens } = message;
    const { ttft_ms, duration_ms, trimmed_messages, summarised_messages } = message;
    const figures = { prompt_tokens, completion_tokens, ttft_ms, duration_ms, trimmed_messages, summarised_messages };
    return { ...message, siblings, turn: { id, status, revision, finish_reason, error, ...figures } };
  }

  showBranch(conversation, messageId) {
    this.change(conversation, { headId: newestLeafBelow(this.messages.get(conversation.id), messageId) });
  }

  share(conversation) {
    this.unshare(conversation);
    const token = randomBytes(32).toString("base64url");
    const share = { id: newId("shr"), created_at: now() };
    const messages = this.path(conversation).map(({ role, content, model, created_at }) => ({
      role,
      content,
      model,
      created_at,
    }));
    const shared = { title: conversation.title, created_at: share.created_at, messages };
    this.shares.set(hash(token), { ...share, conversationId: conversation.id, shared });
    this.change(conversation, { share: { ...share, url: null } });
    return { ...share, url: `/shared/${token}` };
  }

  unshare(conversation) {
    for (const [key, { conversationId }] of this.shares) if (conversationId === conversation.id) this.shares.delete(key);
    if (conversation.share !== null) this.change(conversation, { share: null });
  }

  shared(token) {
    const found = this.shares.get(hash(token));
    return found && !this.conversations.get(found.conversationId).deleted ? found.shared : null;
  }

  startTurn(conversation, { content, model, parent_id, ...parameters }) {
    const parent = parent_id === undefined ? conversation.headId : parent_id;
    const question = this.message(conversation.id, { role: "user", content, status: "complete", parent_id: parent });
    this.messages.get(conversation.id).push(question);
    return this.answer(conversation, question, model, { ...conversation.parameters, ...parameters });
  }

  retryTurn(turn, model) {
    const conversation = this.conversations.get(turn.conversationId);
    return this.answer(conversation, turn.question, model ?? turn.answer.model, turn.parameters);
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
      summarised_messages: null,
      rating: null,
      created_at: now(),
      ...fields,
    };
  }

  answer(conversation, question, model, parameters) {
    const turnId = newId("trn");
    const trimmed = Math.max(0, pathTo(this.messages.get(conversation.id), question.id).length - WINDOW_MESSAGES);
    const answer = this.message(conversation.id, {
      role: "assistant",
      content: "",
      status: "streaming",
      parent_id: question.id,
      turn_id: turnId,
      model: model ?? conversation.model,
      revision: "r1",
      trimmed_messages: trimmed,
      summarised_messages: conversation.summarise ? Math.min(trimmed, this.jobs.summaryOf(conversation.id)?.messages ?? 0) : 0,
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
      parameters,
      log: [],
      state: "running",
      stopping: false,
    });
    this.turns.set(turnId, turn);
    this.change(conversation, { running_turn_id: turnId, headId: answer.id, model: answer.model, updated_at: now() });
    this.emit("push", conversation.userId, {
      type: "turn.started",
      conversation_id: conversation.id,
      turn_id: turnId,
      status: "running",
    });
    void runTurn(turn).then(() => this.settle(turn, conversation));
    return turn;
  }

  async settle(turn, conversation) {
    const { prompt_tokens, completion_tokens } = turn.answer;
    this.limits.book(turn.userId, prompt_tokens + completion_tokens);
    this.change(conversation, { running_turn_id: null });
    this.emit("push", turn.userId, {
      type: "turn.ended",
      conversation_id: conversation.id,
      turn_id: turn.id,
      status: turn.answer.status,
    });
    const limits = this.limits.view(turn.userId);
    if (limits.budgets.length > 0) this.emit("push", turn.userId, { type: "limits.updated", limits });
    turn.finish();
    const { trimmed_messages, summarised_messages } = turn.answer;
    if (conversation.summarise && trimmed_messages > summarised_messages) this.jobs.begin(conversation);
    if (conversation.title !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 600));
    if (conversation.title === null) this.change(conversation, { title: titleFor(turn.question.content) });
  }
}
