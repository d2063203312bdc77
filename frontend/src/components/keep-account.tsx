"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { keepAccount } from "@/lib/api/keep-account";
import { queryKeys } from "@/lib/api/query-keys";
import { formatDate, formatExact } from "@/lib/format";
import { strings } from "@/lib/strings";
import { Button } from "./ui/button";
import { Problem } from "./ui/problem";

const words = strings.identity.account;

/** Says when the account is erased, and keeps it. */
export function KeepAccount({ at }: { at: string }) {
  const client = useQueryClient();
  const keep = useMutation({
    mutationFn: keepAccount,
    onSuccess: (kept) => client.setQueryData(queryKeys.me, kept),
  });
  return (
    <div role="status" className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-card border border-danger bg-danger-soft px-4 py-3">
      <p className="min-w-0 flex-1 basis-56" title={formatExact(at)}>
        {words.deletionOn(formatDate(at))}
      </p>
      <Button size="sm" disabled={keep.isPending} onClick={() => keep.mutate()}>
        {keep.isPending ? words.keeping : words.keep}
      </Button>
      {keep.error && <Problem error={keep.error} />}
    </div>
  );
}
