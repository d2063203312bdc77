import type { Message } from "@/lib/api/types";
import type { MessagePages } from "../api/messages";
import type { Settled } from "./live-turns";
import { userMessageOf, type LiveTurn } from "./turn-state";

/** Loaded pages as one list, oldest first, without the system prompt. */
export function flatten(pages: Pick<MessagePages, "pages"> | undefined): Message[] {
  if (!pages) return [];
  return [...pages.pages]
    .reverse()
    .flatMap((page) => page.items)
    .filter((message) => message.role !== "system");
}

/** What stands above a growing answer: the loaded messages without those that the live turn shows itself. */
export function messagesBefore(messages: Message[], turn: LiveTurn | null): Message[] {
  if (turn === null) return messages;
  const hidden = new Set([...turn.replaces, turn.answerId]);
  const shown = messages.filter((message) => !hidden.has(message.id));
  const mine = userMessageOf(turn);
  if (mine === null || shown.some((message) => message.id === mine.id)) return shown;
  return [...shown, mine];
}

/** Write a finished turn into the loaded pages: its messages at the end, the replaced answers gone. */
export function settleInto(pages: MessagePages, { user, answer, replaces }: Settled): MessagePages {
  const gone = new Set([...replaces, answer.id, ...(user ? [user.id] : [])]);
  const kept = pages.pages.map((page) => ({ ...page, items: page.items.filter((item) => !gone.has(item.id)) }));
  const [newest, ...older] = kept;
  const items = [...(newest?.items ?? []), ...(user ? [user] : []), answer];
  return { ...pages, pages: [{ items, next_cursor: newest?.next_cursor ?? null }, ...older] };
}
