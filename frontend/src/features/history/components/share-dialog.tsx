"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, Copy, Link2, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { patchConversation } from "@/lib/api/conversation-cache";
import { formatMoment } from "@/lib/format";
import { useCopy } from "@/lib/hooks/use-copy";
import { strings } from "@/lib/strings";
import { conversationQuery } from "../api/conversation";
import { shareConversation } from "../api/share";
import { unshareConversation } from "../api/unshare";

const words = strings.share;

/** Make, copy and revoke the link that shows a conversation to whoever has it. */
export default function ShareDialog({ chat }: { chat: string }) {
  const client = useQueryClient();
  const conversation = useQuery(conversationQuery(chat));
  const make = useMutation({
    mutationFn: () => shareConversation(chat),
    onSuccess: (share) => patchConversation(client, chat, { share: { ...share, url: null } }),
  });
  const revoke = useMutation({
    mutationFn: () => unshareConversation(chat),
    onSuccess: () => {
      make.reset();
      patchConversation(client, chat, { share: null });
    },
  });

  if (conversation.isPending)
    return (
      <Skeleton className="space-y-3">
        <Bone className="h-5 w-5/6" />
        <Bone className="h-10 w-36" />
      </Skeleton>
    );
  if (conversation.error && !conversation.data)
    return <Problem error={conversation.error} title={words.failed} onRetry={() => void conversation.refetch()} />;

  const { share } = conversation.data;
  // Only this once is the address known.
  const address = share !== null && make.data?.id === share.id ? make.data.url : null;
  return (
    <div className="space-y-4">
      <p className="text-muted">{words.detail}</p>
      {address !== null && <Address url={new URL(address, window.location.origin).href} />}
      {share !== null && address === null && (
        <p className="flex items-start gap-2">
          <Link2 aria-hidden className="mt-0.5 size-4 shrink-0 text-muted" />
          {words.exists(formatMoment(share.created_at))}
        </p>
      )}
      {make.error && <Problem error={make.error} title={words.makeFailed} />}
      {revoke.error && <Problem error={revoke.error} title={words.revokeFailed} />}
      <div className="flex flex-wrap gap-2">
        <Button
          variant={share === null ? "primary" : "outline"}
          disabled={make.isPending || revoke.isPending}
          onClick={() => make.mutate()}
        >
          {make.isPending ? words.making : share === null ? words.make : words.makeAnother}
        </Button>
        {share !== null && (
          <Button className="text-danger!" disabled={make.isPending || revoke.isPending} onClick={() => revoke.mutate()}>
            {revoke.isPending ? words.revoking : words.revoke}
          </Button>
        )}
      </div>
      <p role="status" className="text-hint text-muted">
        {revoke.isSuccess && share === null ? words.revoked : address !== null ? words.once : ""}
      </p>
    </div>
  );
}

function Address({ url }: { url: string }) {
  const { state, copy } = useCopy();
  const Icon = state === "copied" ? Check : state === "failed" ? X : Copy;
  return (
    <div className="flex gap-2">
      <input
        readOnly
        value={url}
        aria-label={words.link}
        onFocus={(event) => event.target.select()}
        className="h-10 min-w-0 flex-1 rounded-control border border-line-strong bg-field px-3"
      />
      <Button onClick={() => copy(url)}>
        <Icon aria-hidden className="size-4" />
        {state === "copied" ? strings.chat.copied : state === "failed" ? strings.chat.copyFailed : strings.chat.copy}
      </Button>
    </div>
  );
}
