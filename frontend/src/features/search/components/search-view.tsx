"use client";

import { useEffect, useRef, useState } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearchParams } from "next/navigation";
import { Search } from "lucide-react";
import { PageHeader } from "@/components/page-header";
import { Button } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import type { SearchHit } from "@/lib/api/types";
import { formatExact, formatWhen } from "@/lib/format";
import { chatHref, useOpenChat } from "@/lib/navigation";
import { strings } from "@/lib/strings";
import { searchQuery } from "../api/search";
import { Fragments } from "./fragments";

const words = strings.search;
/** Searching begins when the writing has paused for this long. */
const PAUSE_MS = 250;

/** Looks for words in the titles and messages of all chats. The address holds them, so a reload finds the same. */
export function SearchView() {
  const asked = useSearchParams().get("q") ?? "";
  const [text, setText] = useState(asked);
  const [from, setFrom] = useState(asked);
  const input = useRef<HTMLInputElement>(null);
  // Asked anew from the palette or the list while this page is open.
  if (from !== asked) {
    setFrom(asked);
    if (asked !== text.trim()) setText(asked);
  }
  const query = asked.trim();
  const results = useInfiniteQuery({ ...searchQuery(query), enabled: query !== "" });
  const hits = results.data?.pages.flatMap((page) => page.items) ?? [];

  useEffect(() => {
    document.title = `${words.title} · ${strings.product}`;
    input.current?.focus();
  }, []);

  useEffect(() => {
    const next = text.trim();
    if (next === asked) return;
    const timer = setTimeout(() => {
      window.history.replaceState(null, "", next === "" ? "/search" : `/search?q=${encodeURIComponent(next)}`);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, asked]);

  return (
    <>
      <PageHeader title={words.title} />
      <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={-1}>
        <div className="mx-auto w-full max-w-(--measure) px-4 pt-2 pb-16 md:px-6">
          <form role="search" onSubmit={(event) => event.preventDefault()} className="relative">
            <Search aria-hidden className="pointer-events-none absolute top-3.5 left-3.5 size-4 text-muted" />
            <input
              ref={input}
              type="search"
              aria-label={words.label}
              placeholder={words.placeholder}
              value={text}
              maxLength={200}
              onChange={(event) => setText(event.target.value)}
              className="h-11 w-full rounded-control border border-line-strong bg-field pr-3 pl-10 text-reading"
            />
          </form>
          <p role="status" className="mt-3 mb-2 min-h-[18px] text-hint text-muted">
            {query !== "" && hits.length > 0 && words.found(hits.length, results.hasNextPage)}
          </p>
          {query === "" && <p className="text-muted">{words.hint}</p>}
          {query !== "" && results.isPending && (
            <Skeleton className="space-y-5">
              {[1, 2, 3].map((row) => (
                <div key={row} className="space-y-2">
                  <Bone className="h-5 w-2/5" />
                  <Bone className="h-4 w-11/12" />
                </div>
              ))}
            </Skeleton>
          )}
          {results.error && <Problem error={results.error} title={words.failed} onRetry={() => void results.refetch()} />}
          {results.data && hits.length === 0 && <p className="text-muted">{words.none(query)}</p>}
          <ul className="-mx-3 space-y-1">
            {hits.map((hit, index) => (
              <Hit key={`${hit.conversation_id} ${hit.message_id ?? "title"} ${index}`} hit={hit} />
            ))}
          </ul>
          {results.hasNextPage && (
            <Button
              className="mt-4"
              disabled={results.isFetchingNextPage}
              onClick={() => void results.fetchNextPage()}
            >
              {results.isFetchingNextPage ? words.loadingMore : words.more}
            </Button>
          )}
        </div>
      </div>
    </>
  );
}

function Hit({ hit }: { hit: SearchHit }) {
  const openChat = useOpenChat();
  const place = hit.role === null ? words.inTitle : words.roles[hit.role];
  return (
    <li>
      <a
        href={chatHref(hit.conversation_id)}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          openChat(hit.conversation_id);
        }}
        className="block rounded-control px-3 py-2.5 outline-offset-[-2px] hover:bg-hover"
      >
        <span className="flex items-baseline justify-between gap-4">
          <span className="min-w-0 truncate font-medium">{hit.title ?? strings.rail.untitled}</span>
          <span className="shrink-0 text-hint text-muted" title={formatExact(hit.created_at)}>
            {place} · {formatWhen(hit.created_at, new Date())}
          </span>
        </span>
        <span className="mt-0.5 line-clamp-2 text-muted">
          <Fragments fragments={hit.fragments} />
        </span>
      </a>
    </li>
  );
}
