/** An Idempotency-Key: 128 random bits. Also where the page is not served over a secure connection. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * One key for each message that was written, kept while it is not known whether the server took it: sent
 * again after a lost connection, it begins no second turn. A place (a conversation) holds one at a time.
 */
export class SendKeys {
  private readonly keys = new Map<string, { print: string; key: string }>();

  /** The key under which `body` goes out from `place`: the former one when it is the same body again. */
  keyFor(place: string, body: unknown): string {
    const print = JSON.stringify(body);
    const known = this.keys.get(place);
    if (known?.print === print) return known.key;
    const key = newKey();
    this.keys.set(place, { print, key });
    return key;
  }

  /** The server has taken or refused it: whatever is sent next is a new message. */
  done(place: string): void {
    this.keys.delete(place);
  }
}
