"use client";

import { useEffect, useLayoutEffect, useRef, type RefObject } from "react";
import { Button } from "@/components/ui/button";
import { strings } from "@/lib/strings";

interface OlderMessagesProps {
  scroller: RefObject<HTMLDivElement | null>;
  loading: boolean;
  onLoad: () => void;
}

/** Loads what came before when the reader scrolls near it. */
export function OlderMessages({ scroller, loading, onLoad }: OlderMessagesProps) {
  const place = useRef<HTMLDivElement>(null);
  const load = useRef(onLoad);
  useEffect(() => {
    load.current = onLoad;
  }, [onLoad]);

  useEffect(() => {
    if (loading || !place.current) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) load.current();
      },
      { root: scroller.current, rootMargin: "200px 0px 0px 0px" },
    );
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [loading, scroller]);

  return (
    <div ref={place} className="flex justify-center py-2">
      <Button size="sm" variant="ghost" disabled={loading} onClick={onLoad}>
        {loading ? strings.chat.loadingOlder : strings.chat.older}
      </Button>
    </div>
  );
}

/**
 * Keeps the text being read where it is when older messages arrive above it. Call what is returned
 * before loading; the place is taken up again when the first message changes.
 */
export function useKeepPlace(scroller: RefObject<HTMLDivElement | null>, firstId: string | undefined): () => void {
  const fromEnd = useRef<number | null>(null);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || fromEnd.current === null) return;
    box.scrollTo({ top: box.scrollHeight - fromEnd.current });
    fromEnd.current = null;
  }, [scroller, firstId]);
  return () => {
    const box = scroller.current;
    if (box) fromEnd.current = box.scrollHeight - box.scrollTop;
  };
}
