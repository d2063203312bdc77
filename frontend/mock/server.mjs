/**
 * A stand-in for the gateway, for work on the page: the whole contract in memory, a fake model that
 * streams, and the exported page from ../out. Never part of what is shipped.
 *
 *   node mock/server.mjs [port]        (8080; MOCK_SLOW_START=1 keeps smollm2-135m warming for 20 s)
 */
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { models, newId, Store } from "./store.mjs";

const PORT = Number(process.argv[2] ?? process.env.PORT ?? 8080);
const OUT = fileURLToPath(new URL("../out", import.meta.url));
const ACCESS = "__Host-headrace_access";
const REFRESH = "__Host-headrace_refresh";
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
const store = new Store();
const now = () => new Date().toISOString();

class Refused extends Error {
  constructor(status, code, detail, extra = {}) {
    super(detail);
    Object.assign(this, { status, code, extra });
  }
}
const missing = () => new Refused(404, "not_found", "This does not exist, or it was deleted.");

function json(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function problem(response, { status, code, message, extra }) {
  const { retryAfter, errors } = extra;
  response.writeHead(status, {
    "content-type": "application/problem+json",
    ...(retryAfter ? { "retry-after": String(retryAfter) } : {}),
  });
  const retry = status === 429 || status >= 500;
  const title = code.replaceAll("_", " ");
  const body = { type: `/docs/errors#${code}`, title, status, detail: message, code, retry, request_id: newId("req") };
  response.end(JSON.stringify({ ...body, ...(errors ? { errors } : {}) }));
}

async function bodyOf(request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 1_000_000) throw new Refused(413, "payload_too_large", "That is too large to send.");
  }
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused(422, "invalid", "The request is not JSON.");
  }
}

/** The real gateway refuses fields it does not know; so does this one where a form is sent. */
function only(body, names) {
  const extra = Object.keys(body).find((name) => !names.includes(name));
  if (extra) throw new Refused(422, "invalid", `The field ${extra} is not known.`);
}

function userOf(request, name = ACCESS) {
  const token = new RegExp(`${name}=([0-9a-f]+)`).exec(request.headers.cookie ?? "")?.[1];
  return store.users.get(store.sessions.get(token)) ?? null;
}

const view = ({ password: _, ...user }) => user;
const cookies = (value, age) =>
  [ACCESS, REFRESH].map((name) => `${name}=${value}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=${age}`);

function stream(request, response, turn) {
  let next = Number(request.headers["last-event-id"] ?? new URL(request.url, "http://x").searchParams.get("after") ?? 0);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const send = () => {
    for (; next < turn.log.length; next += 1) {
      const { id, event, data } = turn.log[next];
      response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (event.startsWith("turn.") && event !== "turn.started") response.end();
    }
  };
  const keepAlive = setInterval(() => response.write(": keep-alive\n\n"), 15_000);
  turn.on("event", send);
  response.on("close", () => {
    clearInterval(keepAlive);
    turn.off("event", send);
  });
  send();
}

function answerTurn(request, response, turn) {
  if (request.headers.accept?.includes("text/event-stream")) return stream(request, response, turn);
  return json(response, 201, { turn_id: turn.id, message_id: turn.question.id, answer_id: turn.answer.id });
}

function page(items, limit, cursor) {
  const from = cursor ? Number(cursor) : 0;
  const next = from + limit < items.length ? String(from + limit) : null;
  return { items: items.slice(from, from + limit), next_cursor: next };
}

/** Routes as [method, pattern, handler]; handlers get the user, unless the route is open. */
const open = [
  ["POST", /^\/api\/auth\/register$/, async ({ response, body }) => {
    only(body, ["email", "password", "name"]);
    if ([...String(body.password)].length < 15)
      throw new Refused(422, "weak_password", "Choose a longer password.", {
        errors: [{ field: "password", message: "At least 15 characters." }],
      });
    if (/password/i.test(body.password))
      throw new Refused(422, "weak_password", "Choose a password that is harder to guess.", {
        errors: [{ field: "password", message: "This password is among the most common ones." }],
      });
    store.register(body);
    json(response, 202, { status: "accepted" });
  }],
  ["POST", /^\/api\/auth\/login$/, async ({ response, body }) => {
    only(body, ["email", "password"]);
    const session = store.login(body);
    if (!session) throw new Refused(401, "wrong_credentials", "The email or the password is wrong.");
    json(response, 200, { user: view(session.user), expires_in: 900 }, { "set-cookie": cookies(session.token, 86400) });
  }],
  ["POST", /^\/api\/auth\/refresh$/, async ({ request, response }) => {
    const user = userOf(request, REFRESH);
    if (!user) throw new Refused(401, "unauthenticated", "Sign in again.");
    const { token } = store.login(user);
    json(response, 200, { user: view(user), expires_in: 900 }, { "set-cookie": cookies(token, 86400) });
  }],
  ["POST", /^\/api\/auth\/logout$/, async ({ response }) => json(response, 204, undefined, { "set-cookie": cookies("0", 0) })],
];

const routes = [
  ["GET", /^\/api\/auth\/me$/, async ({ response, user }) => json(response, 200, view(user))],
  ["GET", /^\/api\/models$/, async ({ response }) => json(response, 200, { items: models })],
  ["GET", /^\/api\/keys$/, async ({ response, user }) => {
    const items = [...store.keys.values()].filter((key) => key.userId === user.id).map(({ userId: _, ...key }) => key);
    json(response, 200, { items: items.reverse() });
  }],
  ["POST", /^\/api\/keys$/, async ({ response, user, body }) => {
    const secret = `hr-${newId("").slice(1)}`;
    const expires = body.expires_in_days ? new Date(Date.now() + body.expires_in_days * 864e5).toISOString() : null;
    const key = { id: newId("key"), name: body.name, prefix: secret.slice(0, 10), created_at: now() };
    Object.assign(key, { last_used_at: null, expires_at: expires });
    store.keys.set(key.id, { ...key, userId: user.id });
    json(response, 201, { ...key, key: secret });
  }],
  ["DELETE", /^\/api\/keys\/(\w+)$/, async ({ response, user, match }) => {
    if (store.keys.get(match[1])?.userId !== user.id) throw missing();
    store.keys.delete(match[1]);
    json(response, 204);
  }],
  ["GET", /^\/api\/conversations$/, async ({ response, user, url }) => {
    const mine = [...store.conversations.values()].filter((one) => one.userId === user.id);
    mine.sort((a, b) => b.updated_at.localeCompare(a.updated_at));
    const limit = Number(url.searchParams.get("limit") ?? 50);
    json(response, 200, page(mine.map((one) => store.view(one)), limit, url.searchParams.get("cursor")));
  }],
  ["POST", /^\/api\/conversations$/, async ({ response, user, body }) =>
    json(response, 201, store.createConversation(user.id, body))],
  ["GET", /^\/api\/conversations\/(\w+)$/, async ({ response, conversation }) =>
    json(response, 200, store.view(conversation))],
  ["PATCH", /^\/api\/conversations\/(\w+)$/, async ({ response, conversation, body }) => {
    store.change(conversation, { title: body.title });
    json(response, 200, store.view(conversation));
  }],
  ["DELETE", /^\/api\/conversations\/(\w+)$/, async ({ response, user, conversation }) => {
    store.conversations.delete(conversation.id);
    store.emit("push", user.id, { type: "conversation.deleted", id: conversation.id });
    json(response, 204);
  }],
  ["GET", /^\/api\/conversations\/(\w+)\/messages$/, async ({ response, conversation, url }) => {
    const newestFirst = [...store.messages.get(conversation.id)].reverse();
    const limit = Number(url.searchParams.get("limit") ?? 100);
    const { items, next_cursor } = page(newestFirst, limit, url.searchParams.get("before"));
    json(response, 200, { items: items.reverse(), next_cursor });
  }],
  ["POST", /^\/api\/conversations\/(\w+)\/turns$/, async ({ request, response, conversation, body }) => {
    if (conversation.running_turn_id) throw new Refused(409, "turn_running", "An answer is still running in this chat.");
    if (body.content.includes("[[limit]]"))
      throw new Refused(429, "rate_limited", "You have sent many messages in a short time.", { retryAfter: 5 });
    answerTurn(request, response, store.startTurn(conversation, body));
  }],
  ["GET", /^\/api\/turns\/(\w+)\/events$/, async ({ request, response, turn }) => stream(request, response, turn)],
  ["POST", /^\/api\/turns\/(\w+)\/stop$/, async ({ response, turn }) => {
    turn.stopping = true;
    json(response, 202, { status: turn.done ? turn.answer.status : "stopping" });
  }],
  ["POST", /^\/api\/turns\/(\w+)\/retry$/, async ({ request, response, turn, body }) =>
    answerTurn(request, response, store.retryTurn(turn, body.model))],
];

async function api(request, response, url) {
  const find = (table) => {
    for (const [method, pattern, handle] of table) {
      const match = method === request.method && pattern.exec(url.pathname);
      if (match) return { match, handle };
    }
    return null;
  };
  const anyone = find(open);
  if (anyone) return anyone.handle({ request, response, body: await bodyOf(request) });
  const user = userOf(request);
  if (!user) throw new Refused(401, "unauthenticated", "Sign in to continue.");
  const found = find(routes);
  if (!found) throw missing();
  const context = { request, response, url, user, match: found.match, body: await bodyOf(request) };
  if (url.pathname.startsWith("/api/conversations/")) {
    context.conversation = store.conversationOf(user.id, found.match[1]);
    if (!context.conversation) throw missing();
  }
  if (url.pathname.startsWith("/api/turns/")) {
    context.turn = store.turns.get(found.match[1]);
    if (context.turn?.userId !== user.id) throw missing();
  }
  return found.handle(context);
}

/** The exported page: the file itself, else the page of that name, else the 404 page. */
function files(response, pathname) {
  const path = normalize(decodeURIComponent(pathname)).replace(/^(\.\.[/\\])+/, "");
  const candidates = [path, `${path}.html`, join(path, "index.html")].map((name) => join(OUT, name));
  const file = candidates.find((name) => name.startsWith(OUT) && existsSync(name) && statSync(name).isFile());
  const found = file ?? join(OUT, "404.html");
  response.writeHead(file ? 200 : 404, { "content-type": TYPES[extname(found)] ?? "application/octet-stream" });
  createReadStream(found).pipe(response);
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://mock");
  if (!url.pathname.startsWith("/api/")) return files(response, url.pathname);
  api(request, response, url).catch((error) => {
    if (!(error instanceof Refused)) console.error(error);
    const refused = error instanceof Refused ? error : new Refused(500, "internal", "The mock server failed.");
    if (!response.headersSent) problem(response, refused);
    else response.destroy();
  });
});

const sockets = new WebSocketServer({ server, path: "/api/events" });
sockets.on("connection", (socket, request) => {
  const user = userOf(request);
  if (!user) return socket.close(4401);
  socket.send(JSON.stringify({ type: "hello" }));
  const push = (userId, event) => (userId === null || userId === user.id) && socket.send(JSON.stringify(event));
  store.on("push", push);
  socket.on("close", () => store.off("push", push));
});
store.setMaxListeners(100);

const warming = setTimeout(
  () => {
    Object.assign(models[1], { state: "ready", detail: null, description: "Small and quick. Runs on this machine." });
    store.emit("push", null, { type: "model.updated", model: models[1] });
  },
  process.env.MOCK_SLOW_START ? 20_000 : 3_000,
);
warming.unref();

server.listen(PORT, "127.0.0.1", () => console.log(`mock gateway on http://localhost:${PORT}`));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
