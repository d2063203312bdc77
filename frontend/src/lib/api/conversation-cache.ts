import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { queryKeys } from "./query-keys";
import type { Conversation, Page } from "./types";

type Pages = InfiniteData<Page<Conversation>, string | null>;

/** Whether `a` is listed before `b`: the pinned first, then the newest. */
function precedes(a: Conversation, b: Conversation): boolean {
  return a.pinned === b.pinned ? a.updated_at >= b.updated_at : a.pinned;
}

/** Put a new or changed conversation where it belongs in the loaded pages. */
export function upsertConversation(pages: Pages, conversation: Conversation): Pages {
  const without = removeConversation(pages, conversation.id);
  let placed = false;
  const next = without.pages.map((page, index) => {
    if (placed) return page;
    const at = page.items.findIndex((other) => precedes(conversation, other));
    const isLast = index === without.pages.length - 1;
    if (at === -1 && !isLast) return page;
    // Older than all that is loaded while more is to come: it arrives with its own page.
    if (at === -1 && page.next_cursor !== null) return page;
    placed = true;
    const cut = at === -1 ? page.items.length : at;
    return { ...page, items: [...page.items.slice(0, cut), conversation, ...page.items.slice(cut)] };
  });
  return { ...without, pages: next };
}

export function removeConversation(pages: Pages, id: string): Pages {
  return {
    ...pages,
    pages: pages.pages.map((page) =>
      page.items.some((item) => item.id === id)
        ? { ...page, items: page.items.filter((item) => item.id !== id) }
        : page,
    ),
  };
}

/** Write a conversation into the list that it belongs to and into its own entry. */
export function cacheConversation(client: QueryClient, conversation: Conversation): void {
  client.setQueryData<Conversation>(queryKeys.conversation(conversation.id), conversation);
  place(client, conversation);
}

function place(client: QueryClient, conversation: Conversation): void {
  const { archived, id } = conversation;
  for (const [key, belongs] of [
    [queryKeys.conversations, !archived],
    [queryKeys.archived, archived],
  ] as const) {
    client.setQueryData<Pages>(
      key,
      (pages) => pages && (belongs ? upsertConversation(pages, conversation) : removeConversation(pages, id)),
    );
  }
}

/** Change some fields of a conversation that is already known; does nothing to one that is not. */
export function patchConversation(client: QueryClient, id: string, patch: Partial<Conversation>): void {
  client.setQueryData<Conversation>(queryKeys.conversation(id), (old) => (old ? { ...old, ...patch } : old));
  const listed = [queryKeys.conversations, queryKeys.archived]
    .flatMap((key) => client.getQueryData<Pages>(key)?.pages ?? [])
    .flatMap((page) => page.items)
    .find((item) => item.id === id);
  if (listed) place(client, { ...listed, ...patch });
}

export function forgetConversation(client: QueryClient, id: string): void {
  for (const key of [queryKeys.conversations, queryKeys.archived]) {
    client.setQueryData<Pages>(key, (pages) => (pages ? removeConversation(pages, id) : pages));
  }
  client.removeQueries({ queryKey: queryKeys.messages(id) });
}
