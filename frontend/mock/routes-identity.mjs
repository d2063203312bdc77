/** Passwords, mails, second factors, sessions and the audit log. Handlers of `anyoneIdentity` need no session. */
import { json, missing, only, Refused } from "./http.mjs";
import { enter, tokenOf, view } from "./routes-account.mjs";

const PICTURE =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29"><path fill="#fff" d="M0 0h29v29H0z"/><path d="M4 4h7v7H4zM18 4h7v7h-7zM4 18h7v7H4zM14 14h3v3h-3z"/></svg>';

const wrongCode = () => new Refused(401, "wrong_code", "This code is not right, was used already, or is too old.");
const linkUsed = () => new Refused(410, "link_used", "This link was used, was replaced by a newer one, or is too old.");
const byEmail = (store, email) => [...store.users.values()].find((user) => user.email === email);

function checkPassword(password, least = 15) {
  if ([...String(password)].length >= least) return;
  throw new Refused(422, "weak_password", `Use at least ${least} characters.`, {
    errors: [{ field: "password", message: `Use at least ${least} characters.` }],
  });
}

export const anyoneIdentity = (store) => [
  ["POST", /^\/api\/auth\/login\/second-factor$/, ({ response, body }) => {
    only(body, ["token", "code"]);
    const user = store.users.get(store.identity.steps.get(body.token));
    if (!user) throw new Refused(401, "unauthenticated", "This sign-in took too long. Begin again.");
    if (!store.identity.check(user.id, body.code)) {
      store.identity.record("second_factor.tried", "refused", user.id);
      throw wrongCode();
    }
    store.identity.steps.delete(body.token);
    store.identity.record("login", "done", user.id);
    enter(response, store.open(user, true));
  }],
  ["POST", /^\/api\/auth\/forgotten-password$/, ({ response, body }) => {
    only(body, ["email"]);
    const user = byEmail(store, body.email);
    if (user) store.identity.send(user.email, "Set a new password", "/reset-password", user);
    json(response, 202, { status: "accepted" });
  }],
  ["POST", /^\/api\/auth\/reset-password$/, ({ response, body }) => {
    only(body, ["token", "password"]);
    if (!store.identity.links.has(body.token)) throw linkUsed();
    checkPassword(body.password);
    const link = store.identity.take(body.token, "/reset-password");
    if (!link) throw linkUsed();
    store.users.get(link.userId).password = body.password;
    store.endSessions(link.userId);
    json(response, 204);
  }],
  ["POST", /^\/api\/auth\/verification$/, ({ response, body }) => {
    const user = byEmail(store, body.email);
    if (user && !user.email_verified)
      store.identity.send(user.email, "Confirm your email address", "/verify", user);
    json(response, 202, { status: "accepted" });
  }],
  ["POST", /^\/api\/auth\/verify-email$/, ({ response, body }) => {
    const link = store.identity.take(body.token, "/verify");
    if (!link) throw linkUsed();
    const user = store.users.get(link.userId);
    if (link.email !== user.email) store.identity.send(user.email, "Your email address was changed");
    Object.assign(user, { email: link.email, email_verified: true });
    json(response, 200, { email: link.email });
  }],
  ["GET", /^\/api\/mock\/mail$/, ({ response, url }) => {
    const to = url.searchParams.get("to");
    json(response, 200, store.identity.letters.filter((letter) => letter.to === to));
  }],
];

export const identityRoutes = (store) => [
  ["GET", /^\/api\/account\/export$/, ({ response, user }) => {
    const disposition = 'attachment; filename="headrace-account.json"';
    json(response, 200, { account: view(user), conversations: [] }, { "content-disposition": disposition });
  }],
  ["PATCH", /^\/api\/auth\/me$/, ({ response, user, body }) => {
    only(body, ["name", "language", "time_zone"]);
    Object.assign(user, body);
    json(response, 200, view(user));
  }],
  ["POST", /^\/api\/auth\/email$/, ({ response, user, body }) => {
    store.identity.send(body.email, "Confirm your new email address", "/verify", user);
    json(response, 202, { status: "accepted" });
  }],
  ["POST", /^\/api\/auth\/password$/, ({ request, response, user, body }) => {
    only(body, ["current_password", "password", "end_other_sessions"]);
    if (body.current_password !== user.password) {
      store.identity.record("password.tried", "refused", user.id);
      throw new Refused(401, "wrong_credentials", "The password is not right.");
    }
    checkPassword(body.password, store.identity.inForce(user.id) ? 8 : 15);
    user.password = body.password;
    store.identity.record("password.changed", "done", user.id);
    const ended = body.end_other_sessions ? store.endSessions(user.id, tokenOf(request)) : 0;
    json(response, 200, { ended_sessions: ended });
  }],
  ["POST", /^\/api\/auth\/step-up$/, ({ request, response, user, body }) => {
    const factor = store.identity.inForce(user.id);
    if (body.passkey) {
      if (store.identity.passkeys.get(body.passkey.rawId)?.userId !== user.id)
        throw new Refused(401, "wrong_passkey", "This passkey is not one of yours here. Try again.");
    } else if (factor ? !store.identity.check(user.id, body.code) : body.password !== user.password)
      throw factor ? wrongCode() : new Refused(401, "wrong_credentials", "The password is not right.");
    store.sessions.delete(tokenOf(request));
    enter(response, store.open(user, factor !== null));
  }],
  ["GET", /^\/api\/auth\/second-factor$/, ({ response, user }) => {
    const factor = store.identity.inForce(user.id);
    json(response, 200, { totp_since: factor?.since ?? null, recovery_codes_left: factor?.codes.length ?? 0, passkeys: store.identity.passkeysOf(user.id) });
  }],
  ["POST", /^\/api\/auth\/second-factor\/totp$/, ({ response, user }) => {
    const secret = store.identity.begin(user.id);
    json(response, 200, { secret, uri: `otpauth://totp/Headrace:x?secret=${secret}`, picture: PICTURE });
  }],
  ["POST", /^\/api\/auth\/second-factor\/totp\/confirm$/, ({ response, user, body }) => {
    const codes = store.identity.confirm(user.id, body.code);
    if (!codes) throw wrongCode();
    store.identity.record("second_factor.added", "done", user.id);
    json(response, 200, { recovery_codes: codes });
  }],
  ["DELETE", /^\/api\/auth\/second-factor\/totp$/, ({ response, user }) => {
    if (!store.identity.inForce(user.id)) throw missing();
    store.identity.factors.delete(user.id);
    json(response, 204);
  }],
  ["POST", /^\/api\/auth\/second-factor\/recovery-codes$/, ({ response, user }) => {
    if (!store.identity.inForce(user.id)) throw missing();
    json(response, 200, { recovery_codes: store.identity.renew(user.id) });
  }],
  ["GET", /^\/api\/auth\/sessions$/, ({ request, response, user }) => {
    json(response, 200, { items: store.devices(user.id, tokenOf(request)) });
  }],
  ["DELETE", /^\/api\/auth\/sessions$/, ({ request, response, user }) => {
    json(response, 200, { ended_sessions: store.endSessions(user.id, tokenOf(request)) });
  }],
  ["DELETE", /^\/api\/auth\/sessions\/(\w+)$/, ({ response, user, match }) => {
    if (!store.endSession(user.id, match[1])) throw missing();
    json(response, 204);
  }],
  ["GET", /^\/api\/admin\/audit$/, ({ response, user, url }) => {
    if (user.role !== "admin") throw new Refused(403, "forbidden", "This is for administrators.");
    const wanted = (name) => url.searchParams.get(name);
    const before = Number(wanted("before") ?? Infinity);
    const fits = (event) =>
      event.number < before &&
      (!wanted("action") || event.action === wanted("action") || event.action.startsWith(`${wanted("action")}.`)) &&
      (!wanted("actor") || event.actor === wanted("actor")) &&
      (!wanted("outcome") || event.outcome === wanted("outcome"));
    const found = store.identity.events.filter(fits).reverse();
    json(response, 200, { items: found.slice(0, 50), next_before: found.length > 50 ? found[49].number : null });
  }],
  ["POST", /^\/api\/admin\/audit\/verify$/, ({ response, user }) => {
    if (user.role !== "admin") throw new Refused(403, "forbidden", "This is for administrators.");
    const events = store.identity.events.length;
    store.identity.record("audit.verified", "done", user.id, null);
    json(response, 200, { events, anchors: 1, fault: null, at_number: null });
  }],
];
