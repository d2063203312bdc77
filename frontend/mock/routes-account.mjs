/** Sign-in, the person, their keys, the models, limits. Handlers of `anyone` need no session. */
import { json, missing, only, Refused } from "./http.mjs";
import { newId } from "./ids.mjs";
import { models } from "./models.mjs";

const ACCESS = "__Host-headrace_access";
const REFRESH = "__Host-headrace_refresh";
const now = () => new Date().toISOString();

export function userOf(store, request, name = ACCESS) {
  return store.users.get(store.sessions.get(tokenOf(request, name))?.userId) ?? null;
}

export const tokenOf = (request, name = ACCESS) => new RegExp(`${name}=([0-9a-f]+)`).exec(request.headers.cookie ?? "")?.[1];

/** Answer with a session that was just opened. */
export function enter(response, { token, user }) {
  json(response, 200, { user: view(user), expires_in: 900 }, { "set-cookie": cookies(token, 86400) });
}

export const view = ({ password: _, group_id: __, ...user }) => user;
const cookies = (value, age) =>
  [ACCESS, REFRESH].map((name) => `${name}=${value}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=${age}`);

export const anyone = (store) => [
  ["POST", /^\/api\/auth\/register$/, ({ response, body }) => {
    only(body, ["email", "password", "name", "invitation"]);
    if ([...String(body.password)].length < 15)
      throw new Refused(422, "weak_password", "Choose a longer password.", {
        errors: [{ field: "password", message: "At least 15 characters." }],
      });
    if (/password/i.test(body.password))
      throw new Refused(422, "weak_password", "Choose a password that is harder to guess.", {
        errors: [{ field: "password", message: "This password is among the most common ones." }],
      });
    const role = body.invitation === undefined ? undefined : store.identity.useInvitation(body.invitation);
    if (body.invitation !== undefined && role === undefined)
      throw new Refused(410, "link_used", "This invitation is for another address, was used, or is too old.");
    store.register({ ...body, role });
    json(response, 202, { status: "accepted" });
  }],
  ["POST", /^\/api\/auth\/login$/, ({ response, body }) => {
    only(body, ["email", "password"]);
    const user = store.login(body);
    if (!user) throw new Refused(401, "wrong_credentials", "The email or the password is wrong.");
    if (store.identity.inForce(user.id) || store.identity.passkeysOf(user.id) > 0)
      json(response, 200, { second_factor: store.identity.step(user.id) });
    else enter(response, store.open(user));
  }],
  ["POST", /^\/api\/auth\/refresh$/, ({ request, response }) => {
    const user = userOf(store, request, REFRESH);
    if (!user) throw new Refused(401, "unauthenticated", "Sign in again.");
    const former = store.sessions.get(tokenOf(request, REFRESH));
    store.sessions.delete(tokenOf(request, REFRESH));
    enter(response, store.open(user, former.secondFactor));
  }],
  ["POST", /^\/api\/auth\/logout$/, ({ response }) => json(response, 204, undefined, { "set-cookie": cookies("0", 0) })],
  ["GET", /^\/api\/shared\/([\w-]+)$/, ({ response, match }) => {
    const shared = store.shared(match[1]);
    if (!shared) throw missing();
    json(response, 200, shared, { "x-robots-tag": "noindex", "referrer-policy": "no-referrer" });
  }],
];

export const accountRoutes = (store) => [
  ["GET", /^\/api\/auth\/me$/, ({ response, user }) => json(response, 200, view(user))],
  ["GET", /^\/api\/models$/, ({ response, user }) => {
    const allowed = store.groups.get(user.group_id)?.models ?? null;
    json(response, 200, { items: models.filter(({ name }) => allowed === null || allowed.includes(name)) });
  }],
  ["GET", /^\/api\/usage\/limits$/, ({ response, user }) => json(response, 200, store.limits.view(user.id))],
  ["PUT", /^\/api\/admin\/users\/(\w+)\/budget$/, ({ response, user, match, body }) => {
    if (user.role !== "admin") throw new Refused(403, "forbidden", "Only administrators may do this.");
    if (!store.users.has(match[1])) throw missing();
    only(body, ["day", "month"]);
    store.limits.setBudget(match[1], body);
    store.emit("push", match[1], { type: "limits.updated", limits: store.limits.view(match[1]) });
    json(response, 200, body);
  }],
  ["GET", /^\/api\/keys$/, ({ response, user }) => {
    const items = [...store.keys.values()].filter((key) => key.userId === user.id).map(({ userId: _, ...key }) => key);
    json(response, 200, { items: items.reverse() });
  }],
  ["DELETE", /^\/api\/auth\/me$/, ({ response, user }) => {
    user.delete_at ??= new Date(Date.now() + 14 * 864e5).toISOString();
    json(response, 200, view(user));
  }],
  ["PUT", /^\/api\/auth\/me\/picture$/, ({ response, user, body }) => {
    only(body, ["image"]);
    const image = Buffer.from(body.image, "base64");
    if (image.subarray(1, 4).toString() !== "PNG")
      throw new Refused(422, "invalid", "This is no PNG, JPEG, WebP or GIF picture.");
    store.pictures.set(user.id, image);
    user.picture = `/api/auth/me/picture?v=${newId("pic")}`;
    json(response, 200, view(user));
  }],
  ["GET", /^\/api\/auth\/me\/picture$/, ({ response, user }) => {
    if (!store.pictures.has(user.id)) throw missing();
    response.writeHead(200, { "content-type": "image/png" }).end(store.pictures.get(user.id));
  }],
  ["DELETE", /^\/api\/auth\/me\/picture$/, ({ response, user }) => {
    store.pictures.delete(user.id);
    user.picture = null;
    json(response, 200, view(user));
  }],
  ["POST", /^\/api\/auth\/me\/keep$/, ({ response, user }) => {
    user.delete_at = null;
    json(response, 200, view(user));
  }],
  ["POST", /^\/api\/keys$/, ({ response, user, body }) => {
    only(body, ["name", "expires_in_days", "budget", "scopes", "models", "requests_per_minute"]);
    const secret = `hr-${newId("").slice(1)}`;
    const expires = body.expires_in_days ? new Date(Date.now() + body.expires_in_days * 864e5).toISOString() : null;
    const key = { id: newId("key"), name: body.name, prefix: secret.slice(0, 10), created_at: now() };
    Object.assign(key, { last_used_at: null, expires_at: expires, scopes: body.scopes ?? ["inference"], models: body.models ?? null, requests_per_minute: body.requests_per_minute ?? null });
    store.keys.set(key.id, { ...key, userId: user.id });
    json(response, 201, { ...key, key: secret });
  }],
  ["POST", /^\/api\/keys\/(\w+)\/rotate$/, ({ response, user, match }) => {
    const old = store.keys.get(match[1]);
    if (old?.userId !== user.id) throw missing();
    const secret = `hr-${newId("").slice(1)}`;
    const key = { ...old, id: newId("key"), prefix: secret.slice(0, 10), created_at: now(), last_used_at: null };
    old.expires_at = new Date(Date.now() + 864e5).toISOString();
    store.keys.set(key.id, key);
    const { userId: _, ...shown } = key;
    json(response, 201, { ...shown, key: secret });
  }],
  ["DELETE", /^\/api\/keys\/(\w+)$/, ({ response, user, match }) => {
    if (store.keys.get(match[1])?.userId !== user.id) throw missing();
    store.keys.delete(match[1]);
    json(response, 204);
  }],
];
