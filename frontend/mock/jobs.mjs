import { newId } from "./ids.mjs";

const WAIT_MS = 400;
const WORK_MS = 1_200;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const now = () => new Date().toISOString();

/** Summaries made later. A chat whose instructions hold "[[nosummary]]" gets none: the model is away. */
export class Jobs {
  #store;
  #jobs = [];
  #summaries = new Map();

  constructor(store) {
    this.#store = store;
  }

  of(userId) {
    return this.#jobs.filter((job) => job.userId === userId).map(({ userId: _, ...job }) => job);
  }

  open(conversationId) {
    return this.#jobs.some((job) => job.conversation_id === conversationId && ["queued", "running"].includes(job.state));
  }

  summaryOf(conversationId) {
    return this.#summaries.get(conversationId) ?? null;
  }

  begin(conversation) {
    const job = {
      id: newId("job"),
      userId: conversation.userId,
      kind: "summary",
      state: "queued",
      conversation_id: conversation.id,
      attempts: 0,
      error: null,
      created_at: now(),
      updated_at: now(),
    };
    this.#jobs.unshift(job);
    void this.#work(job, conversation);
    const { userId: _, ...view } = job;
    return view;
  }

  async #work(job, conversation) {
    const be = (patch) => {
      Object.assign(job, patch, { updated_at: now() });
      const { userId, ...view } = job;
      this.#store.emit("push", userId, { type: "job.updated", job: { ...view } });
    };
    be({});
    await pause(WAIT_MS);
    be({ state: "running", attempts: 1 });
    await pause(WORK_MS);
    if (conversation.system_prompt?.includes("[[nosummary]]")) return be({ state: "failed", error: "The model is away." });
    const answer = this.#store.path(conversation).findLast(({ role }) => role === "assistant");
    this.#summaries.set(conversation.id, {
      message_id: this.#store.path(conversation)[answer.trimmed_messages - 1].id,
      text: "The person asked how high the water stands behind the weir, again and again.\n\nThe answer was in centimetres above the sill; it falls by the evening.",
      model: answer.model,
      messages: answer.trimmed_messages,
      tokens: 38,
      created_at: now(),
    });
    be({ state: "succeeded" });
  }
}
