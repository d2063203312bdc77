import { Refused } from "./http.mjs";

/** Idempotency-Key: the first claims, its repetition gets the same turn, another body is refused. */
export class Idempotency {
  claims = new Map();

  /** @returns {{ turn: object, replayed: boolean }} */
  once(request, userId, body, begin) {
    const key = request.headers["idempotency-key"];
    if (key === undefined) return { turn: begin(), replayed: false };
    if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw new Refused(422, "invalid", "The Idempotency-Key is not usable.");
    const slot = `${userId} ${key}`;
    const print = `${request.url} ${JSON.stringify(body)}`;
    const claim = this.claims.get(slot);
    if (claim && claim.print !== print)
      throw new Refused(422, "idempotency_mismatch", "This Idempotency-Key was used for another request.");
    if (claim) return { turn: claim.turn, replayed: true };
    const turn = begin();
    this.claims.set(slot, { print, turn });
    return { turn, replayed: false };
  }
}
