"use client";

import { useEffect, type ReactNode } from "react";
import { useRouter } from "next/navigation";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { onSignedOut } from "@/lib/api/client";
import { toApiError } from "@/lib/api/error";
import { SessionProvider } from "@/lib/session";
import { Problem } from "@/components/ui/problem";
import { meQuery } from "../api/me";

interface SessionGateProps {
  children: ReactNode;
  /** Shown until it is known who is here. */
  fallback: ReactNode;
}

/** Lets in whoever is signed in and leads everybody else to the sign-in page, with the way back. */
export function SessionGate({ children, fallback }: SessionGateProps) {
  const router = useRouter();
  const client = useQueryClient();
  const me = useQuery(meQuery);

  useEffect(
    () =>
      onSignedOut(() => {
        const here = window.location.pathname + window.location.search;
        client.clear();
        router.replace(here === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(here)}`);
      }),
    [client, router],
  );

  if (me.data) return <SessionProvider value={me.data}>{children}</SessionProvider>;
  if (me.error && toApiError(me.error).status !== 401) {
    return (
      <main className="mx-auto flex min-h-dvh max-w-md items-center px-6">
        <Problem error={me.error} onRetry={() => void me.refetch()} className="w-full" />
      </main>
    );
  }
  return fallback;
}
