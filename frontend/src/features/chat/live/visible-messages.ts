import type { Message } from "@/lib/api/types";
import type { MessagePages } from "../api/messages";
import type { Settled } from "./turn-sink";
import { userMessageOf, type LiveTurn } from "./turn-state";

/** Loaded pages as one list, oldest first, without the system prompt. */
export function flatten(pages: Pick<MessagePages, "pages"> | undefined): Message[] {
  if (!pages) return [];
  return [...pages.pages]
    .reverse()
    .flatMap((page) => page.items)
    .filter((message) => message.role !== "system");
}

/** Where a turn leaves the path that was shown: the message that it replaces or edits; -1 for at its end. */
function branchAt(messages: Message[], turn: { replaces: string | null; edits: string | null }): number {
  const id = turn.replaces ?? turn.edits;
  return id === null ? -1 : messages.findIndex((message) => message.id === id);
}

/** What stands above a growing answer: the loaded messages without those that the live turn shows itself. */
export function messagesBefore(messages: Message[], turn: LiveTurn | null): Message[] {
  if (turn === null) return messages;
  const at = branchAt(messages, turn);
  const mine = userMessageOf(turn);
  const shown = (at === -1 ? messages : messages.slice(0, at)).filter(({ id }) => id !== turn.answerId);
  if (mine === null || shown.some((message) => message.id === mine.id)) return shown;
  return [...shown, mine];
}

/** Write a finished turn into the loaded pages: its messages at the end, what it branched off from gone. */
export function settleInto(pages: MessagePages, settled: Settled): MessagePages {
  const path = flatten(pages);
  // What was read of them from the server meanwhile knows their place among the branches.
  const placed = (message: Message) => {
    const read = path.find(({ id }) => id === message.id);
    return read ? { ...message, parent_id: read.parent_id, siblings: read.siblings } : message;
  };
  const user = settled.user && placed(settled.user);
  const answer = placed(settled.answer);
  const at = branchAt(path, settled);
  const gone = new Set([...(at === -1 ? [] : path.slice(at)).map(({ id }) => id), answer.id, ...(user ? [user.id] : [])]);
  const kept = pages.pages.map((page) => ({ ...page, items: page.items.filter((item) => !gone.has(item.id)) }));
  const [newest, ...older] = kept;
  const items = [...(newest?.items ?? []), ...(user ? [user] : []), answer];
  return { ...pages, pages: [{ items, next_cursor: newest?.next_cursor ?? null }, ...older] };
}
