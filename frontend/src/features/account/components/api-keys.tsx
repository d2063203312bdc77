"use client";

import { useRef, useState } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, Copy, KeyRound, RefreshCw, Trash2, X } from "lucide-react";
import { Button, IconButton } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { queryKeys } from "@/lib/api/query-keys";
import type { ApiKey, CreatedApiKey } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { formatDate, formatExact, formatNumber, formatWhen } from "@/lib/format";
import { useCopy } from "@/lib/hooks/use-copy";
import { strings } from "@/lib/strings";
import { deleteKey } from "../api/delete-key";
import { apiKeysQuery } from "../api/keys";
import { rotateKey } from "../api/rotate-key";
import { KeyForm } from "./key-form";

const words = strings.account;

export function ApiKeys() {
  const client = useQueryClient();
  const keys = useQuery(apiKeysQuery);
  const [created, setCreated] = useState<CreatedApiKey | null>(null);
  const [asked, setAsked] = useState<ApiKey | null>(null);
  const [confirming, setConfirming] = useState(false);
  const nameInput = useRef<HTMLInputElement>(null);

  const keep = (key: CreatedApiKey) => {
    setCreated(key);
    void client.invalidateQueries({ queryKey: queryKeys.apiKeys });
  };
  const rotate = useMutation({ mutationFn: rotateKey, onSuccess: keep });
  const remove = useMutation({
    mutationFn: (key: ApiKey) => deleteKey(key.id),
    onSuccess: (_, removed) => {
      if (created?.id === removed.id) setCreated(null);
      return client.invalidateQueries({ queryKey: queryKeys.apiKeys });
    },
  });

  return (
    <div className="space-y-4">
      <KeyForm nameInput={nameInput} onCreated={keep} />
      {created && <NewKey created={created} onDone={() => setCreated(null)} />}
      {remove.error && <Problem error={remove.error} />}
      {rotate.error && <Problem error={rotate.error} />}
      {keys.error && <Problem error={keys.error} title={words.keysFailed} onRetry={() => void keys.refetch()} />}
      {keys.isPending && (
        <Skeleton className="space-y-2">
          <Bone className="h-16 w-full" />
          <Bone className="h-16 w-full" />
        </Skeleton>
      )}
      {keys.data?.length === 0 && !created && (
        <p className="flex items-center gap-3 rounded-card border border-dashed border-line-strong px-4 py-6 text-muted">
          <KeyRound aria-hidden className="size-5 shrink-0" />
          {words.noKeys}
        </p>
      )}
      {keys.data && keys.data.length > 0 && (
        <ul className="divide-y divide-line rounded-card border border-line">
          {keys.data.map((key) => (
            <KeyRow
              key={key.id}
              apiKey={key}
              busy={rotate.isPending}
              onRotate={() => rotate.mutate(key.id)}
              onDelete={() => {
                setAsked(key);
                setConfirming(true);
              }}
            />
          ))}
        </ul>
      )}
      <Confirm
        open={confirming}
        onOpenChange={setConfirming}
        title={words.deleteKeyTitle}
        detail={words.deleteKeyDetail(asked?.name ?? "")}
        confirm={words.deleteKeyConfirm}
        onConfirm={() => asked && remove.mutate(asked)}
        returnFocus={() => nameInput.current}
      />
    </div>
  );
}

function NewKey({ created, onDone }: { created: CreatedApiKey; onDone: () => void }) {
  const { state, copy } = useCopy();
  const CopyIcon = state === "copied" ? Check : state === "failed" ? X : Copy;
  return (
    <section
      aria-label={words.keyCreated(created.name)}
      className="rounded-card border border-success bg-success-soft p-4"
    >
      <h3 className="font-semibold text-success">{words.keyCreated(created.name)}</h3>
      <p className="mt-1">{words.keyOnce}</p>
      <div className="mt-3 flex flex-wrap gap-2">
        <code
          tabIndex={0}
          className="min-w-0 flex-1 basis-64 rounded-control border border-line bg-page px-3 py-2.5 font-mono text-hint break-all select-all"
        >
          {created.key}
        </code>
        <Button onClick={() => copy(created.key)} autoFocus>
          <CopyIcon aria-hidden className="size-4" />
          {state === "copied" ? strings.chat.copied : state === "failed" ? strings.chat.copyFailed : strings.chat.copy}
        </Button>
        <Button onClick={onDone}>{words.keyDone}</Button>
      </div>
    </section>
  );
}

interface KeyRowProps {
  apiKey: ApiKey;
  busy: boolean;
  onRotate: () => void;
  onDelete: () => void;
}

function KeyRow({ apiKey, busy, onRotate, onDelete }: KeyRowProps) {
  const now = new Date();
  const { expires_at: expires, last_used_at: used } = apiKey;
  const expired = expires !== null && new Date(expires) < now;
  const facts = [
    { text: words.keyCreatedAt(formatWhen(apiKey.created_at, now)), exact: apiKey.created_at },
    used ? { text: words.keyUsedAt(formatWhen(used, now)), exact: used } : { text: words.keyNeverUsed, exact: null },
    expires && {
      text: expired ? words.keyExpiredAt(formatDate(expires)) : words.keyExpiresAt(formatDate(expires)),
      exact: expires,
    },
    !apiKey.scopes.includes("inference") && { text: words.keyScope.usage, exact: null },
    apiKey.scopes.length > 1 && { text: words.keyBoth, exact: null },
    apiKey.requests_per_minute !== null && {
      text: words.keyRequestsAre(formatNumber(apiKey.requests_per_minute)),
      exact: null,
    },
    apiKey.models && { text: words.keyModels(apiKey.models.join(", ")), exact: null },
  ].filter((fact) => fact !== null && fact !== "" && fact !== false);
  return (
    <li className="flex items-center gap-3 py-3 pr-2 pl-4">
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-baseline gap-x-3">
          <span className="font-medium">{apiKey.name}</span>
          <code className="font-mono text-hint text-muted">{apiKey.prefix}…</code>
        </p>
        <p className={cn("mt-0.5 flex flex-wrap gap-x-3 text-hint", expired ? "text-danger" : "text-muted")}>
          {facts.map((fact) => (
            <span key={fact.text} title={fact.exact ? formatExact(fact.exact) : undefined}>
              {fact.text}
            </span>
          ))}
        </p>
      </div>
      <IconButton label={words.rotateKey(apiKey.name)} disabled={busy} onClick={onRotate}>
        <RefreshCw aria-hidden className="size-4" />
      </IconButton>
      <IconButton label={words.deleteKey(apiKey.name)} onClick={onDelete}>
        <Trash2 aria-hidden className="size-4" />
      </IconButton>
    </li>
  );
}
