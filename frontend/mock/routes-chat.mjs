/** Conversations, their messages and turns, search, export and sharing. */
import { exported } from "./export.mjs";
import { json, missing, only, page, Refused, stream } from "./http.mjs";
import { Idempotency } from "./idempotency.mjs";
import { search } from "./search.mjs";

const PARAMETERS = ["temperature", "top_p", "max_tokens", "seed", "stop", "response_format"];
const BOUNDS = { temperature: [0, 2], top_p: [0.01, 1], max_tokens: [1, 1_000_000], seed: [0, 2 ** 31 - 1] };

function checkParameters(parameters) {
  only(parameters, PARAMETERS);
  for (const [name, [least, most]] of Object.entries(BOUNDS)) {
    const value = parameters[name] ?? null;
    if (value !== null && !(value >= least && value <= most))
      throw new Refused(422, "invalid", "Check what you entered.", {
        errors: [{ field: `parameters.${name}`, message: `Between ${least} and ${most}.` }],
      });
  }
}

const running = () => new Refused(409, "turn_running", "An answer is still running in this chat.");

export function chatRoutes(store) {
  const idempotency = new Idempotency();

  function begin({ request, response, user, body }, conversation, make) {
    const { turn, replayed } = idempotency.once(request, user.id, body, () => {
      if (conversation.running_turn_id) throw running();
      store.limits.admit(user.id);
      return make();
    });
    const headers = replayed ? { "idempotency-replayed": "true" } : {};
    if (request.headers.accept?.includes("text/event-stream")) return stream(request, response, turn, headers);
    const ids = { turn_id: turn.id, message_id: turn.question.id, answer_id: turn.answer.id };
    return json(response, 201, ids, headers);
  }

  return [
    ["GET", /^\/api\/conversations$/, ({ response, user, url }) => {
      const items = store.listed(user.id, url.searchParams.get("archived") === "true");
      const limit = Number(url.searchParams.get("limit") ?? 50);
      json(response, 200, page(items, limit, url.searchParams.get("cursor")));
    }],
    ["POST", /^\/api\/conversations$/, ({ response, user, body }) => {
      only(body, ["title", "model", "system_prompt", "parameters", "summarise"]);
      json(response, 201, store.createConversation(user.id, body));
    }],
    ["GET", /^\/api\/conversations\/(\w+)$/, ({ response, conversation }) =>
      json(response, 200, store.view(conversation))],
    ["PATCH", /^\/api\/conversations\/(\w+)$/, ({ response, conversation, body }) => {
      only(body, ["title", "pinned", "archived", "system_prompt", "model", "parameters", "summarise"]);
      if (body.parameters) checkParameters(body.parameters);
      store.change(conversation, body);
      json(response, 200, store.view(conversation));
    }],
    ["DELETE", /^\/api\/conversations\/(\w+)$/, ({ response, conversation }) => {
      store.remove(conversation);
      json(response, 204);
    }],
    ["POST", /^\/api\/conversations\/(\w+)\/restore$/, ({ response, user, match }) => {
      const conversation = store.conversationOf(user.id, match[1], true) ?? store.conversationOf(user.id, match[1]);
      if (!conversation) throw missing();
      store.restore(conversation);
      json(response, 200, store.view(conversation));
    }],
    ["GET", /^\/api\/conversations\/(\w+)\/messages$/, ({ response, conversation, url }) => {
      const newestFirst = store.path(conversation).reverse();
      const limit = Number(url.searchParams.get("limit") ?? 100);
      const { items, next_cursor } = page(newestFirst, limit, url.searchParams.get("before"));
      json(response, 200, { items: items.reverse().map((message) => store.messageView(message)), next_cursor });
    }],
    ["PATCH", /^\/api\/conversations\/(\w+)\/messages\/(\w+)$/, ({ response, user, conversation, match, body }) => {
      only(body, ["rating"]);
      const message = store.messages.get(conversation.id).find(({ id, role }) => id === match[2] && role === "assistant");
      if (!message) throw missing();
      message.rating = body.rating;
      const names = { conversation_id: conversation.id, message_id: message.id, rating: body.rating };
      store.emit("push", user.id, { type: "message.rated", ...names });
      json(response, 204);
    }],
    ["GET", /^\/api\/conversations\/(\w+)\/summary$/, ({ response, conversation }) => {
      const summary = store.jobs.summaryOf(conversation.id);
      if (summary === null) throw missing();
      json(response, 200, summary);
    }],
    ["GET", /^\/api\/jobs$/, ({ response, user }) => json(response, 200, { items: store.jobs.of(user.id), next_cursor: null })],
    ["POST", /^\/api\/jobs$/, ({ response, user, body }) => {
      only(body, ["kind", "conversation_id"]);
      const conversation = store.conversationOf(user.id, body.conversation_id);
      if (!conversation) throw missing();
      if (store.jobs.open(conversation.id))
        throw new Refused(409, "conflict", "This conversation is being summarised already. Wait until it is done.");
      json(response, 202, store.jobs.begin(conversation));
    }],
    ["POST", /^\/api\/conversations\/(\w+)\/head$/, ({ response, conversation, body }) => {
      only(body, ["message_id"]);
      if (!store.messages.get(conversation.id).some(({ id }) => id === body.message_id)) throw missing();
      if (conversation.running_turn_id) throw running();
      store.showBranch(conversation, body.message_id);
      json(response, 200, store.view(conversation));
    }],
    ["GET", /^\/api\/conversations\/(\w+)\/export$/, ({ response, conversation, url }) => {
      const { text, type, name } = exported(store, conversation, url.searchParams.get("format"));
      response.writeHead(200, { "content-type": type, "content-disposition": `attachment; filename="${name}"` });
      response.end(text);
    }],
    ["POST", /^\/api\/conversations\/(\w+)\/share$/, ({ response, conversation }) =>
      json(response, 201, store.share(conversation))],
    ["DELETE", /^\/api\/conversations\/(\w+)\/share$/, ({ response, conversation }) => {
      store.unshare(conversation);
      json(response, 204);
    }],
    ["POST", /^\/api\/conversations\/(\w+)\/turns$/, (context) => {
      const { conversation, body } = context;
      only(body, ["content", "model", "parent_id", ...PARAMETERS]);
      if (body.parent_id && !store.messages.get(conversation.id).some(({ id }) => id === body.parent_id)) throw missing();
      if (body.content.includes("[[limit]]"))
        throw new Refused(429, "rate_limited", "You have sent many messages in a short time.", { retryAfter: 5 });
      begin(context, conversation, () => store.startTurn(conversation, body));
    }],
    ["GET", /^\/api\/turns\/(\w+)\/events$/, ({ request, response, turn }) => stream(request, response, turn)],
    ["POST", /^\/api\/turns\/(\w+)\/stop$/, ({ response, turn }) => {
      turn.stopping = true;
      json(response, 202, { status: turn.done ? turn.answer.status : "stopping" });
    }],
    ["POST", /^\/api\/turns\/(\w+)\/retry$/, (context) => {
      const { turn, body } = context;
      only(body, ["model"]);
      begin(context, store.conversations.get(turn.conversationId), () => store.retryTurn(turn, body.model));
    }],
    ["GET", /^\/api\/search$/, ({ response, user, url }) => {
      const found = search(store, user.id, url.searchParams.get("q") ?? "");
      json(response, 200, page(found, Number(url.searchParams.get("limit") ?? 20), url.searchParams.get("cursor")));
    }],
  ];
}
