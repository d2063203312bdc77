"use client";

import { useCallback } from "react";
import { usePathname, useRouter, useSearchParams } from "next/navigation";

/** The link of a conversation, or of a new chat. One exported page serves both, so every link survives a reload. */
export function chatHref(id: string | null): string {
  return id === null ? "/" : `/?c=${encodeURIComponent(id)}`;
}

/** The conversation that the address names; null for a new chat. Needs a Suspense boundary above it. */
export function useChatId(): string | null {
  return useSearchParams().get("c");
}

/**
 * Go to a conversation. On the chat page only the address changes, so nothing is fetched or
 * mounted anew; from another page the router takes over.
 */
export function useOpenChat(): (id: string | null, how?: "push" | "replace") => void {
  const pathname = usePathname();
  const router = useRouter();
  return useCallback(
    (id, how = "push") => {
      const href = chatHref(id);
      if (pathname !== "/") router.push(href);
      else if (how === "replace") window.history.replaceState(null, "", href);
      else window.history.pushState(null, "", href);
    },
    [pathname, router],
  );
}

/** A path of this page to return to after signing in; anything that could lead elsewhere becomes `/`. */
export function safeReturnPath(next: string | null): string {
  if (next === null || !/^\/(?![/\\])/.test(next)) return "/";
  const url = new URL(next, "https://page.invalid");
  if (url.origin !== "https://page.invalid" || /^\/(sign-in|register)(\/|$)/.test(url.pathname)) return "/";
  return url.pathname + url.search + url.hash;
}
