/** Looking after people, and invitations: for administrators. */
import { randomBytes } from "node:crypto";
import { json, missing, only, page, Refused } from "./http.mjs";
import { newId } from "./ids.mjs";

const now = () => new Date().toISOString();

export const peopleRoutes = (store) => {
  const admin = (handle) => (context) => {
    if (context.user.role !== "admin") throw new Refused(403, "forbidden", "This is for administrators.");
    const person = context.match[1] && store.users.get(context.match[1]);
    return handle({ ...context, person });
  };
  const view = ({ password: _, ...user }) => {
    const devices = store.devices(user.id, null);
    return {
      ...user,
      active: user.active ?? true,
      second_factor: store.identity.inForce(user.id) !== null || store.identity.passkeysOf(user.id) > 0,
      open_sessions: devices.length,
      last_seen_at: devices[0]?.last_used_at ?? null,
      budget: { day: null, month: null },
      group_name: store.groups.get(user.group_id)?.name ?? null,
    };
  };
  const invitationView = ({ token: _, ...invitation }) => invitation;
  return [
    ["GET", /^\/api\/admin\/users$/, admin(({ response, url }) => {
      const words = (url.searchParams.get("q") ?? "").toLowerCase();
      const fits = (user) => `${user.name} ${user.email}`.toLowerCase().includes(words);
      const group = url.searchParams.get("group");
      const found = [...store.users.values()].filter((user) => fits(user) && (!group || user.group_id === group)).reverse().map(view);
      json(response, 200, page(found, 50, url.searchParams.get("cursor")));
    })],
    ["PATCH", /^\/api\/admin\/users\/(\w+)$/, admin(({ response, user, person, body }) => {
      if (!person) throw missing();
      only(body, ["role", "active", "group_id"]);
      if (person.id === user.id && !("group_id" in body))
        throw new Refused(409, "conflict", "This is the last administrator. Make somebody else one first.");
      Object.assign(person, body);
      if (body.active === false) store.endSessions(person.id, null);
      store.identity.record(body.role ? "account.role_set" : "account.disabled", "done", user.id, person.id);
      json(response, 200, view(person));
    })],
    ["DELETE", /^\/api\/admin\/users\/(\w+)\/sessions$/, admin(({ response, person }) => {
      if (!person) throw missing();
      json(response, 200, { ended_sessions: store.endSessions(person.id, null) });
    })],
    ["DELETE", /^\/api\/admin\/users\/(\w+)\/second-factor$/, admin(({ response, person }) => {
      if (!person || !store.identity.inForce(person.id)) throw missing();
      store.identity.factors.delete(person.id);
      json(response, 204);
    })],
    ["GET", /^\/api\/admin\/invitations$/, admin(({ response }) => {
      json(response, 200, { items: [...store.identity.invitations.values()].reverse().map(invitationView) });
    })],
    ["POST", /^\/api\/admin\/invitations$/, admin(({ request, response, body }) => {
      const token = randomBytes(32).toString("base64url");
      const expires = new Date(Date.now() + 7 * 864e5).toISOString();
      const { email = null, role = "user" } = body;
      const invitation = { id: newId("inv"), token, email, role, created_at: now(), expires_at: expires, used_at: null };
      store.identity.invitations.set(invitation.id, invitation);
      const link = `http://${request.headers.host}/register#${token}`;
      json(response, 201, { ...invitationView(invitation), link });
    })],
    ["DELETE", /^\/api\/admin\/invitations\/(\w+)$/, admin(({ response, match }) => {
      if (!store.identity.invitations.delete(match[1])) throw missing();
      json(response, 204);
    })],
  ];
};
