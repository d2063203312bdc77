/**
 * A stand-in for the gateway, for work on the page: the whole contract in memory, a fake model that
 * streams, and the exported page from ../out. Never part of what is shipped.
 *
 *   node mock/server.mjs [port]        (8080; MOCK_SLOW_START=1 keeps smollm2-135m warming for 20 s)
 */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { followTurns } from "./follow-turns.mjs";
import { bodyOf, json, missing, problem, Refused } from "./http.mjs";
import { models } from "./models.mjs";
import { accountRoutes, anyone, userOf } from "./routes-account.mjs";
import { chatRoutes } from "./routes-chat.mjs";
import { anyoneIdentity, identityRoutes } from "./routes-identity.mjs";
import { anyoneElsewhere, anyonePasskeys, elsewhereRoutes, passkeyRoutes } from "./routes-passkeys.mjs";
import { groupRoutes } from "./routes-groups.mjs";
import { modelRoutes } from "./routes-models.mjs";
import { peopleRoutes } from "./routes-people.mjs";
import { promptRoutes } from "./routes-prompts.mjs";
import { seed } from "./seed.mjs";
import { Store } from "./store.mjs";

const PORT = Number(process.argv[2] ?? process.env.PORT ?? 8080);
const OUT = fileURLToPath(new URL("../out", import.meta.url));
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
const openRoutes = [...anyone(store), ...anyoneIdentity(store), ...anyonePasskeys(store), ...anyoneElsewhere()];
const routes = [...accountRoutes(store), ...identityRoutes(store), ...passkeyRoutes(store), ...elsewhereRoutes(), ...peopleRoutes(store), ...groupRoutes(store), ...modelRoutes(), ...chatRoutes(store), ...promptRoutes(store)];

async function api(request, response, url) {
  const find = (table) => {
    for (const [method, pattern, handle] of table) {
      const match = method === request.method && pattern.exec(url.pathname);
      if (match) return { match, handle };
    }
    return null;
  };
  const free = find(openRoutes);
  if (free) return free.handle({ request, response, url, match: free.match, body: await bodyOf(request) });
  const user = userOf(store, request);
  if (!user) throw new Refused(401, "unauthenticated", "Sign in to continue.");
  if (url.pathname === "/api/mock/long" && request.method === "POST") {
    return json(response, 201, seed(store, user.id, Number(url.searchParams.get("messages") ?? 2000)));
  }
  const found = find(routes);
  if (!found) throw missing();
  const context = { request, response, url, user, match: found.match, body: await bodyOf(request) };
  if (url.pathname.startsWith("/api/conversations/") && !url.pathname.endsWith("/restore")) {
    context.conversation = store.conversationOf(user.id, found.match[1]);
    if (!context.conversation) throw missing();
  }
  if (url.pathname.startsWith("/api/turns/")) {
    context.turn = store.turns.get(found.match[1]);
    if (context.turn?.userId !== user.id) throw missing();
  }
  return found.handle(context);
}

/** The content security policy of the gateway (web.py), so that the page is tested under it. */
function policyOf(html) {
  const inline = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)];
  const hashes = inline.map(([, code]) => `'sha256-${createHash("sha256").update(code).digest("base64")}'`);
  return [
    "default-src 'self'",
    `script-src 'self' ${[...new Set(hashes)].join(" ")}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** The exported page: the file itself, else the page of that name, else the 404 page. */
function files(response, pathname) {
  const shared = /^\/shared\/[^/]+$/.test(pathname);
  const path = shared ? "/shared" : normalize(decodeURIComponent(pathname)).replace(/^(\.\.[/\\])+/, "");
  const candidates = [path, `${path}.html`, join(path, "index.html")].map((name) => join(OUT, name));
  const file = candidates.find((name) => name.startsWith(OUT) && existsSync(name) && statSync(name).isFile());
  const found = file ?? join(OUT, "404.html");
  const headers = { "content-type": TYPES[extname(found)] ?? "application/octet-stream" };
  if (shared) Object.assign(headers, { "x-robots-tag": "noindex", "referrer-policy": "no-referrer" });
  if (extname(found) === ".html") headers["content-security-policy"] = policyOf(readFileSync(found, "utf8"));
  response.writeHead(file ? 200 : 404, headers);
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
  const user = userOf(store, request);
  if (!user) return socket.close(4401);
  socket.send(JSON.stringify({ type: "hello" }));
  const push = (userId, event) => (userId === null || userId === user.id) && socket.send(JSON.stringify(event));
  store.on("push", push);
  const unfollowAll = followTurns(store, user, socket);
  socket.on("close", () => {
    store.off("push", push);
    unfollowAll();
  });
});
store.setMaxListeners(100);

const warming = setTimeout(
  () => {
    Object.assign(models[1], { state: "ready", detail: null, waking_since: null, description: "Small and quick. Runs on this machine." });
    store.emit("push", null, { type: "model.updated", model: models[1] });
  },
  process.env.MOCK_SLOW_START ? 20_000 : 3_000,
);
warming.unref();

server.listen(PORT, "127.0.0.1", () => console.log(`mock gateway on http://localhost:${PORT}`));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
