import { storage } from "@/lib/storage";

const PREFIX = "headrace.draft.";
const MAX_DRAFTS = 50;

/** Where the draft of a chat that does not exist yet is kept. */
export const NEW_CHAT = "new";

export function readDraft(key: string): string {
  return storage.getItem(PREFIX + key) ?? "";
}

/** Keep what is being written; an empty draft is forgotten. */
export function writeDraft(key: string, text: string): void {
  if (text.trim() === "") {
    storage.removeItem(PREFIX + key);
    return;
  }
  makeRoom(key);
  storage.setItem(PREFIX + key, text);
}

/** Forget a person's drafts, as when they sign out of a machine that others use. Keys begin with the user id. */
export function clearDrafts(userId: string): void {
  draftKeys()
    .filter((key) => key.startsWith(`${PREFIX}${userId}.`))
    .forEach((key) => storage.removeItem(key));
}

/** A message that came back joins whatever was written meanwhile. */
export function mergeDraft(returned: string, current: string): string {
  if (current.trim() === "" || current === returned) return returned;
  return `${returned}\n\n${current}`;
}

function draftKeys(): string[] {
  return storage.keys().filter((key) => key.startsWith(PREFIX));
}

function makeRoom(key: string): void {
  const others = draftKeys().filter((other) => other !== PREFIX + key);
  others.slice(0, Math.max(0, others.length - MAX_DRAFTS + 1)).forEach((other) => storage.removeItem(other));
}
