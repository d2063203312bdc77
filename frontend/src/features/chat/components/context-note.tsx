"use client";

import type { ReactNode } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { cacheConversation } from "@/lib/api/conversation-cache";
import { queryKeys } from "@/lib/api/query-keys";
import type { Job, Message } from "@/lib/api/types";
import { toApiError } from "@/lib/api/error";
import { openPanel } from "@/lib/panel";
import { strings } from "@/lib/strings";
import { changeConversation } from "../api/change-conversation";
import { conversationQuery } from "../api/conversation";
import { jobsQuery } from "../api/jobs";
import { summarise } from "../api/summarise";
import { newKey } from "../live/send-keys";

const words = strings.context;

/** What of the conversation the model did not read, above its answer; at the newest one, what can be done about it. */
export function ContextNote({ message, last }: { message: Message; last: boolean }) {
  const left = message.trimmed_messages ?? 0;
  const summarised = Math.min(message.summarised_messages ?? 0, left);
  if (left === 0) return null;
  return (
    <p className="mb-3 flex flex-wrap items-center gap-x-2 gap-y-1 border-t border-dashed border-line pt-2 text-hint text-muted">
      <span>{summarised > 0 ? words.summarised(left, summarised) : words.trimmed(left)}</span>
      {summarised > 0 && <ReadSummary chat={message.conversation_id} />}
      {last && message.status !== "streaming" && left > summarised && (
        <Ways chat={message.conversation_id} summarised={summarised} />
      )}
    </p>
  );
}

function Ways({ chat, summarised }: { chat: string; summarised: number }) {
  const client = useQueryClient();
  const conversation = useQuery(conversationQuery(chat));
  const jobs = useQuery(jobsQuery);
  const ask = useMutation({
    mutationFn: async (key: string) => {
      if (!conversation.data?.summarise) cacheConversation(client, await changeConversation(chat, { summarise: true }));
      return summarise(chat, key);
    },
    onSuccess: (job) => client.setQueryData<Job[]>(queryKeys.jobs, (all) => [job, ...(all ?? []).filter(({ id }) => id !== job.id)]),
    // Somebody else was quicker: what they began is shown.
    onError: (error) => {
      if (toApiError(error).status === 409) void client.invalidateQueries({ queryKey: queryKeys.jobs });
    },
  });
  const job = jobs.data?.find(({ kind, conversation_id }) => kind === "summary" && conversation_id === chat);
  const begin = () => ask.mutate(newKey());

  if (!conversation.data || jobs.isPending) return null;
  if (ask.isPending || job?.state === "queued" || job?.state === "running")
    return (
      <span role="status" className="inline-flex items-center gap-2">
        <span aria-hidden className="size-2 animate-pulse rounded-full bg-accent" />
        {words.working}
      </span>
    );
  const refused = ask.error && toApiError(ask.error).status !== 409 ? toApiError(ask.error).message : null;
  const failure = refused ?? (job?.state === "failed" ? (job.error ?? words.failed) : null);
  if (failure !== null)
    return (
      <span role="status">
        {words.failedBecause(failure)} <TextButton onClick={begin}>{words.again}</TextButton>
      </span>
    );
  if (conversation.data.summarise && job?.state === "succeeded")
    return (
      <span>
        {words.nextTime} {summarised === 0 && <ReadSummary chat={chat} />}
      </span>
    );
  return <TextButton onClick={begin}>{words.begin}</TextButton>;
}

function ReadSummary({ chat }: { chat: string }) {
  return <TextButton onClick={() => openPanel({ name: "summary", chat })}>{words.read}</TextButton>;
}

function TextButton({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" onClick={onClick} className="rounded-sm text-accent underline underline-offset-2 hover:no-underline">
      {children}
    </button>
  );
}
