import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { queryKeys } from "./query-keys";
import type { Message, Page } from "./types";

/** Change some fields of a message wherever it is loaded; does nothing to one that is not. */
export function patchMessage(client: QueryClient, conversationId: string, id: string, patch: Partial<Message>): void {
  client.setQueryData<InfiniteData<Page<Message>, string | null>>(
    queryKeys.messages(conversationId),
    (data) =>
      data && {
        ...data,
        pages: data.pages.map((page) =>
          page.items.some((message) => message.id === id)
            ? { ...page, items: page.items.map((message) => (message.id === id ? { ...message, ...patch } : message)) }
            : page,
        ),
      },
  );
}
