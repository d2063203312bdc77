import { useMemo } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { cacheConversation, forgetConversation } from "@/lib/api/conversation-cache";
import { queryKeys } from "@/lib/api/query-keys";
import type { Conversation } from "@/lib/api/types";
import { openPanel } from "@/lib/panel";
import { strings } from "@/lib/strings";
import { showToast } from "@/lib/toasts";
import { changeConversation, type Changes } from "./api/change";
import { deleteConversation } from "./api/delete";
import type { ExportFormat } from "./api/export";
import { restoreConversation } from "./api/restore";
import { saveExport } from "./save-export";

export interface ConversationActions {
  rename: (conversation: Conversation, title: string) => void;
  pin: (conversation: Conversation) => void;
  archive: (conversation: Conversation) => void;
  remove: (conversation: Conversation) => void;
  share: (conversation: Conversation) => void;
  save: (conversation: Conversation, format: ExportFormat) => void;
}

/** What can be done to a listed conversation. Shown at once, put back when the server refuses, undone where it can be. */
export function useConversationActions(onGone: (id: string) => void) {
  const client = useQueryClient();

  const change = useMutation({
    mutationFn: ({ conversation, changes }: { conversation: Conversation; changes: Changes }) =>
      changeConversation(conversation.id, changes),
    onMutate: ({ conversation, changes }) => cacheConversation(client, { ...conversation, ...changes }),
    onSuccess: (changed) => cacheConversation(client, changed),
    onError: (_, { conversation }) => cacheConversation(client, conversation),
  });
  const restore = useMutation({
    mutationFn: (conversation: Conversation) => restoreConversation(conversation.id),
    onSuccess: (back) => {
      cacheConversation(client, back);
      void client.invalidateQueries({ queryKey: queryKeys.messages(back.id) });
    },
  });
  const remove = useMutation({
    mutationFn: (conversation: Conversation) => deleteConversation(conversation.id),
    onMutate: (conversation) => {
      forgetConversation(client, conversation.id);
      onGone(conversation.id);
    },
    onSuccess: (_, conversation) =>
      showToast(strings.rail.deleted, { label: strings.rail.undo, run: () => restore.mutate(conversation) }),
    onError: (_, conversation) => cacheConversation(client, conversation),
  });
  const save = useMutation({
    mutationFn: ({ id, format }: { id: string; format: ExportFormat }) => saveExport(id, format),
  });

  const { mutate: changeTo } = change;
  const { mutate: removeIt } = remove;
  const { mutate: saveIt } = save;
  const actions = useMemo<ConversationActions>(() => {
    const archive = (conversation: Conversation, archived: boolean, undo: boolean) =>
      changeTo(
        { conversation, changes: { archived } },
        {
          onSuccess: (changed) => {
            if (!undo) return;
            const words = archived ? strings.rail.archivedNow : strings.rail.unarchivedNow;
            showToast(words, { label: strings.rail.undo, run: () => archive(changed, !archived, false) });
          },
        },
      );
    return {
      rename: (conversation, title) => changeTo({ conversation, changes: { title } }),
      pin: (conversation) => changeTo({ conversation, changes: { pinned: !conversation.pinned } }),
      archive: (conversation) => archive(conversation, !conversation.archived, true),
      remove: (conversation) => removeIt(conversation),
      share: ({ id }) => openPanel({ name: "share", chat: id }),
      save: ({ id }, format) => saveIt({ id, format }),
    };
  }, [changeTo, removeIt, saveIt]);

  const failures = [
    { title: strings.rail.changeFailed, error: change.error },
    { title: strings.rail.deleteFailed, error: remove.error },
    { title: strings.rail.restoreFailed, error: restore.error },
    { title: strings.rail.exportFailed, error: save.error },
  ].filter(({ error }) => error !== null);
  return { actions, failures };
}
