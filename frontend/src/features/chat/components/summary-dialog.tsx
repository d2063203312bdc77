"use client";

import { useQuery } from "@tanstack/react-query";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { toApiError } from "@/lib/api/error";
import { formatMoment, formatNumber } from "@/lib/format";
import { strings } from "@/lib/strings";
import { summaryQuery } from "../api/summary";

const words = strings.context;

/** What the model reads of the part of a chat that does not fit any more. */
export default function SummaryDialog({ chat }: { chat: string }) {
  const summary = useQuery(summaryQuery(chat));
  if (summary.isPending)
    return (
      <Skeleton className="space-y-3">
        <Bone className="h-4 w-full" />
        <Bone className="h-4 w-11/12" />
        <Bone className="h-4 w-3/5" />
      </Skeleton>
    );
  if (summary.error) {
    if (toApiError(summary.error).status === 404) return <p className="text-muted">{words.none}</p>;
    return <Problem error={summary.error} title={words.loadFailed} onRetry={() => void summary.refetch()} />;
  }
  const { text, messages, model, tokens, created_at } = summary.data;
  return (
    <>
      <p className="text-reading break-words whitespace-pre-wrap">{text}</p>
      <p className="mt-4 border-t border-line pt-3 text-hint text-muted tabular-nums">
        {words.about(messages, model, formatNumber(tokens), formatMoment(created_at))}
      </p>
    </>
  );
}
