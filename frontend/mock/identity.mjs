/** Mails, links, second factors and the audit log of the stand-in: all in memory. */
import { randomBytes } from "node:crypto";
import { codeAt, newSecret, STEP_MS } from "./totp.mjs";

const secret = () => randomBytes(32).toString("base64url");
const recoveryCode = () => randomBytes(8).toString("hex").match(/.{4}/g).join("-");

export class Identity {
  letters = [];
  links = new Map();
  factors = new Map();
  steps = new Map();
  events = [];
  invitations = new Map();
  /** By the id that a passkey gives itself. */
  passkeys = new Map();

  /** The role that an invitation gives, which is used up; undefined for one that there is not. */
  useInvitation(token) {
    const found = [...this.invitations.values()].find((one) => one.token === token && one.used_at === null);
    if (found) found.used_at = new Date().toISOString();
    return found?.role;
  }

  /** `page`: where its link leads, if it has one; `more`: what the link proves. */
  send(to, subject, page, user, more = {}) {
    const token = page ? secret() : null;
    if (token) this.links.set(token, { page, userId: user.id, email: to, ...more });
    this.letters.push({ to, subject, link: page ? `${page}#${token}` : null });
  }

  take(token, page) {
    const link = this.links.get(token);
    if (!link || link.page !== page) return null;
    this.links.delete(token);
    return link;
  }

  begin(userId) {
    const factor = { secret: newSecret(), since: null, codes: [], last: 0 };
    this.factors.set(userId, factor);
    return factor.secret;
  }

  confirm(userId, code) {
    const factor = this.factors.get(userId);
    if (!factor || codeAt(factor.secret) !== code) return null;
    factor.since = new Date().toISOString();
    return this.renew(userId);
  }

  renew(userId) {
    const factor = this.factors.get(userId);
    factor.codes = Array.from({ length: 10 }, recoveryCode);
    return factor.codes;
  }

  inForce(userId) {
    const factor = this.factors.get(userId);
    return factor?.since ? factor : null;
  }

  /** A code of the app, or a recovery code, which is gone then. The app's clock may be a step off. */
  check(userId, code) {
    const factor = this.inForce(userId);
    if (!factor) return false;
    if ([-1, 0, 1].some((step) => codeAt(factor.secret, Date.now() + step * STEP_MS) === code)) return true;
    const place = factor.codes.indexOf(code);
    if (place >= 0) factor.codes.splice(place, 1);
    return place >= 0;
  }

  step(userId) {
    const token = secret();
    this.steps.set(token, userId);
    const methods = [this.inForce(userId) && "code", this.passkeysOf(userId) > 0 && "passkey"].filter(Boolean);
    return { token, methods, expires_in: 300 };
  }

  passkeysOf(userId) {
    return [...this.passkeys.values()].filter((key) => key.userId === userId).length;
  }

  record(action, outcome, actor, target = actor) {
    const number = this.events.length + 1;
    this.events.push({
      number,
      at: new Date().toISOString(),
      action,
      outcome,
      actor,
      target,
      address: "127.0.0.1",
      request_id: null,
      detail: {},
    });
  }
}
