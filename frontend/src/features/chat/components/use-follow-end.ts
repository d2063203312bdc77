import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

/** How close to the end counts as being there, in pixels. */
const NEAR = 48;

interface FollowEnd {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  /** The reader is at the end, and stays there as text grows. */
  atEnd: boolean;
  toEnd: (behavior?: ScrollBehavior) => void;
  /** Stay where the reader is, whatever happens below. */
  letGo: () => void;
}

/**
 * Keep the end in view while the reader is there. Scrolling up lets go; coming back, or `toEnd`,
 * takes hold again. `key` is what is being read: a new one starts at its end.
 */
export function useFollowEnd(key: string | null): FollowEnd {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [state, setState] = useState({ key, atEnd: true });

  const follow = useCallback(
    (atEnd: boolean) => {
      following.current = atEnd;
      setState((before) => (before.key === key && before.atEnd === atEnd ? before : { key, atEnd }));
    },
    [key],
  );

  const toEnd = useCallback(
    (behavior: ScrollBehavior = "auto") => {
      follow(true);
      scroller.current?.scrollTo({ top: scroller.current.scrollHeight, behavior });
    },
    [follow],
  );

  const letGo = useCallback(() => follow(false), [follow]);

  const shown = useRef(key);
  useEffect(() => {
    // A new chat that has just been given its id is the same text: a reader who has let go stays free.
    if (shown.current !== null || key === null) following.current = true;
    shown.current = key;
    if (following.current) scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, [key]);

  useEffect(() => {
    const box = scroller.current;
    const inner = content.current;
    if (!box || !inner) return;
    let lastTop = box.scrollTop;
    let lastHeight = box.scrollHeight;

    const onScroll = () => {
      const near = box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR;
      // Shrinking content moves the view up by itself; only a person's scroll lets go.
      const movedUp = box.scrollTop < lastTop - 1 && box.scrollHeight >= lastHeight;
      if (movedUp) follow(false);
      else if (near) follow(true);
      lastTop = box.scrollTop;
      lastHeight = box.scrollHeight;
    };
    const onResize = () => {
      if (following.current) box.scrollTop = box.scrollHeight;
      else if (box.scrollHeight <= box.clientHeight) follow(true);
    };
    const observer = new ResizeObserver(onResize);
    observer.observe(inner);
    observer.observe(box);
    box.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener("scroll", onScroll);
    };
  }, [follow]);

  return { scroller, content, atEnd: (state.key !== key && state.key !== null) || state.atEnd, toEnd, letGo };
}
