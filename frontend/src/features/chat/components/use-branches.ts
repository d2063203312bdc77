import { useCallback, useEffect, useLayoutEffect, useRef, type RefObject } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { cacheConversation } from "@/lib/api/conversation-cache";
import { queryKeys } from "@/lib/api/query-keys";
import type { Message } from "@/lib/api/types";
import { showBranch } from "../api/show-branch";
import type { Direction, GoToBranch } from "./branch-arrows";

interface Place {
  /** The message that takes the place of the one that was left. */
  id: string;
  direction: Direction;
  /** Where the arrows stood, in pixels from the top of the view. */
  top: number;
  hadFocus: boolean;
}

const arrowsOf = (id: string) => document.querySelector<HTMLElement>(`[data-branches="${CSS.escape(id)}"]`);

/**
 * Move between branches. The arrows stay under the pointer and keep the focus while the messages around them
 * change, so that one can go on pressing.
 */
export function useBranches(
  conversationId: string | null,
  messages: Message[],
  scroller: RefObject<HTMLDivElement | null>,
  letGo: () => void,
) {
  const client = useQueryClient();
  const place = useRef<Place | null>(null);

  const { mutate, error, reset } = useMutation({
    mutationFn: ({ conversation, target }: { conversation: string; target: string }) => showBranch(conversation, target),
    onSuccess: async (conversation) => {
      cacheConversation(client, conversation);
      await client.invalidateQueries({ queryKey: queryKeys.messages(conversation.id) });
    },
    onError: () => {
      place.current = null;
    },
  });

  useLayoutEffect(() => {
    const wanted = place.current;
    const box = scroller.current;
    if (wanted === null || box === null || !messages.some(({ id }) => id === wanted.id)) return;
    const arrows = arrowsOf(wanted.id);
    if (arrows === null) return;
    place.current = null;
    box.scrollBy({ top: arrows.getBoundingClientRect().top - wanted.top });
    if (!wanted.hadFocus) return;
    const buttons = [...arrows.querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
    (buttons.find((button) => button.dataset["direction"] === wanted.direction) ?? buttons[0])?.focus();
  }, [messages, scroller]);

  useEffect(() => reset(), [conversationId, reset]);

  const go: GoToBranch = useCallback(
    (from, direction) => {
      const id = direction === "previous" ? from.siblings?.previous_id : from.siblings?.next_id;
      if (!id) return;
      const arrows = arrowsOf(from.id);
      const hadFocus = arrows?.contains(document.activeElement) ?? false;
      place.current = { id, direction, top: arrows?.getBoundingClientRect().top ?? 0, hadFocus };
      letGo();
      mutate({ conversation: from.conversation_id, target: id });
    },
    [letGo, mutate],
  );
  return { go, error, reset };
}
