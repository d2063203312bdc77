/**
 * Prints the script that the chat page loads at first, and fails above the bound.
 * Counts every script named in out/index.html, gzipped as a server would send it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BOUND_KB = 200;
const out = fileURLToPath(new URL("../out", import.meta.url));
const html = readFileSync(join(out, "index.html"), "utf8");

const tags = [...html.matchAll(/<script\b[^>]*\bsrc="([^"]+)"[^>]*>/g)];
const sources = [...new Set(tags.filter(([tag]) => !/\bnomodule\b/i.test(tag)).map(([, src]) => src))];
const inline = [...html.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(([, code]) => code).join("");

const rows = sources.map((src) => {
  const file = readFileSync(join(out, new URL(src, "https://page.invalid").pathname));
  return [src.split("/").at(-1), gzipSync(file, { level: 6 }).length];
});
rows.push(["(inline)", gzipSync(inline, { level: 6 }).length]);
rows.sort((a, b) => b[1] - a[1]);

const kb = (bytes) => (bytes / 1024).toFixed(1).padStart(7);
for (const [name, bytes] of rows) console.log(`${kb(bytes)} KB  ${name}`);
const total = rows.reduce((sum, [, bytes]) => sum + bytes, 0);
console.log(`${kb(total)} KB  first load of the chat page (bound ${BOUND_KB} KB, gzip)`);
if (total > BOUND_KB * 1024) {
  console.error(`The chat page loads more than ${BOUND_KB} KB of script at first.`);
  process.exit(1);
}
