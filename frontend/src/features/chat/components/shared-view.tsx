"use client";

import { Suspense, useEffect, useSyncExternalStore } from "react";
import { useQuery } from "@tanstack/react-query";
import { Mark } from "@/components/ui/mark";
import { Problem } from "@/components/ui/problem";
import { toApiError } from "@/lib/api/error";
import type { SharedChat } from "@/lib/api/types";
import { formatDate } from "@/lib/format";
import { strings } from "@/lib/strings";
import { sharedQuery } from "../api/shared";
import { Markdown } from "../markdown/lazy-markdown";
import { MessagesSkeleton } from "./message-list";

const words = strings.share;
const never = () => () => undefined;

/** The token in the address; null while the page is not in a browser yet, empty when there is none. */
function useToken(): string | null {
  return useSyncExternalStore(
    never,
    () => /^\/shared\/([^/]+)\/?$/.exec(window.location.pathname)?.[1] ?? "",
    () => null,
  );
}

/** A conversation as it was when it was shared, to read and nothing else. */
export function SharedView() {
  const token = useToken();
  const shared = useQuery({ ...sharedQuery(token ?? ""), enabled: token !== null && token !== "" });
  const gone = token === "" || (shared.error !== null && [404, 422].includes(toApiError(shared.error).status));
  const title = shared.data?.title ?? words.untitled;

  useEffect(() => {
    if (shared.data) document.title = `${title} · ${strings.product}`;
  }, [shared.data, title]);

  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex h-14 shrink-0 items-center justify-between gap-4 border-b border-line px-4 md:px-6">
        <span className="flex items-center gap-2 font-semibold">
          <Mark className="size-6 text-accent" />
          {strings.product}
        </span>
        <span className="rounded-full bg-bubble px-3 py-1 text-hint text-muted">{words.readOnly}</span>
      </header>
      <main id="main" className="mx-auto w-full max-w-(--measure) flex-1 px-4 pt-8 pb-16 md:px-0">
        {gone ? (
          <div className="pt-[14vh] text-center">
            <h1 className="text-title font-semibold">{words.goneTitle}</h1>
            <p className="mt-2 text-muted">{words.goneDetail}</p>
          </div>
        ) : shared.error ? (
          <Problem error={shared.error} title={words.loadFailed} onRetry={() => void shared.refetch()} />
        ) : shared.data ? (
          <Chat chat={shared.data} title={title} />
        ) : (
          <MessagesSkeleton />
        )}
      </main>
    </div>
  );
}

function Chat({ chat, title }: { chat: SharedChat; title: string }) {
  const shown = chat.messages.filter(({ role }) => role !== "system");
  return (
    <>
      <h1 className="text-title font-semibold">{title}</h1>
      <p className="mt-1 text-hint text-muted">
        {words.reading} {formatDate(chat.created_at)}
      </p>
      {shown.length === 0 && <p className="mt-8 text-muted">{words.empty}</p>}
      <Suspense fallback={<MessagesSkeleton />}>
        {shown.map((message, index) =>
          message.role === "user" ? (
            <article key={index} className="flex flex-col items-end pt-8 pb-4">
              <h2 className="sr-only">{words.person}</h2>
              <div className="max-w-[85%] rounded-card bg-bubble px-4 py-2.5 text-reading whitespace-pre-wrap">
                {message.content}
              </div>
            </article>
          ) : (
            <article key={index} className="pb-2">
              <h2 className="sr-only">{strings.chat.answer(message.model ?? "")}</h2>
              <Markdown text={message.content} growing={false} />
            </article>
          ),
        )}
      </Suspense>
    </>
  );
}
