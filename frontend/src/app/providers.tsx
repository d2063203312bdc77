"use client";

import { useEffect, useState, type ReactNode } from "react";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { ApiError } from "@/lib/api/error";
import { watchTheme } from "@/lib/theme";

const MAX_RETRIES = 2;

/** Reading again helps against a broken connection or a busy server, never against an answer like 404. */
function shouldRetry(failures: number, error: Error): boolean {
  if (!(error instanceof ApiError)) return false;
  return failures < MAX_RETRIES && (error.status === 0 || error.status >= 500);
}

export function Providers({ children }: { children: ReactNode }) {
  const [client] = useState(
    () =>
      new QueryClient({
        defaultOptions: {
          queries: { retry: shouldRetry, staleTime: 15_000, networkMode: "always" },
          mutations: { networkMode: "always" },
        },
      }),
  );
  useEffect(() => watchTheme(), []);
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
