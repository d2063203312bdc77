/** What every route of the stand-in needs to read a request and to answer it. */
import { newId } from "./ids.mjs";

/** A request that is answered with a problem document. */
export class Refused extends Error {
  constructor(status, code, detail, extra = {}) {
    super(detail);
    Object.assign(this, { status, code, extra });
  }
}

export const missing = () => new Refused(404, "not_found", "This does not exist, or it was deleted.");

export function json(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

export function problem(response, { status, code, message, extra }) {
  const { retryAfter, ...more } = extra;
  response.writeHead(status, {
    "content-type": "application/problem+json",
    ...(retryAfter ? { "retry-after": String(retryAfter) } : {}),
  });
  const retry = status === 429 || status >= 500;
  const title = code.replaceAll("_", " ");
  const body = { type: `/docs/errors#${code}`, title, status, detail: message, code, retry, request_id: newId("req") };
  response.end(JSON.stringify({ ...body, ...more }));
}

export async function bodyOf(request) {
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

/** The real gateway refuses fields it does not know; so does this one. */
export function only(body, names) {
  const extra = Object.keys(body).find((name) => !names.includes(name));
  if (extra) throw new Refused(422, "invalid", `The field ${extra} is not known.`);
}

export function page(items, limit, cursor) {
  const from = cursor ? Number(cursor) : 0;
  const next = from + limit < items.length ? String(from + limit) : null;
  return { items: items.slice(from, from + limit), next_cursor: next };
}

/** A turn's numbered events from where the reader left off, and the unnumbered ones as they happen. */
export function stream(request, response, turn, headers = {}) {
  let next = Number(request.headers["last-event-id"] ?? new URL(request.url, "http://x").searchParams.get("after") ?? 0);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", ...headers });
  const send = () => {
    for (; next < turn.log.length; next += 1) {
      const { id, event, data } = turn.log[next];
      response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (event.startsWith("turn.") && event !== "turn.started") response.end();
    }
  };
  const status = (data) => response.write(`event: turn.status\ndata: ${JSON.stringify(data)}\n\n`);
  const keepAlive = setInterval(() => response.write(": keep-alive\n\n"), 15_000);
  turn.on("event", send);
  turn.on("status", status);
  response.on("close", () => {
    clearInterval(keepAlive);
    turn.off("event", send);
    turn.off("status", status);
  });
  send();
  if (turn.state === "reconnecting") status({ state: turn.state });
}
