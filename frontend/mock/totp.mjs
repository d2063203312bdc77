/** Codes of an authenticator app (RFC 6238), for the stand-in that checks them and for the tests that show them. */
import { createHmac, randomBytes } from "node:crypto";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
export const STEP_MS = 30_000;

export const newSecret = () => [...randomBytes(32)].map((byte) => LETTERS[byte % 32]).join("");

export function codeAt(secret, ms = Date.now()) {
  let bits = "";
  for (const letter of secret) bits += LETTERS.indexOf(letter).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(ms / STEP_MS)));
  const digest = createHmac("sha1", key).update(counter).digest();
  const offset = digest[19] & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
