"use client";

import { createContext, use, useEffect, useRef, useState, type ReactNode, type RefObject } from "react";

/** How far beyond the view messages are kept ready, in pixels. */
const MARGIN = 1_600;

type Watch = (element: Element, onChange: (near: boolean, height: number) => void) => () => void;

const WatchContext = createContext<Watch | null>(null);

/** Lets the slots inside know which of them are near the view of a scrolling box. */
export function SlotProvider({ scroller, children }: { scroller: RefObject<HTMLElement | null>; children: ReactNode }) {
  const [watch] = useState(() => watcher(scroller));
  return <WatchContext value={watch}>{children}</WatchContext>;
}

function watcher(scroller: RefObject<HTMLElement | null>): Watch {
  const told = new Map<Element, (near: boolean, height: number) => void>();
  let observer: IntersectionObserver | null = null;
  return (element, onChange) => {
    observer ??= new IntersectionObserver(
      (entries) =>
        entries.forEach((entry) => told.get(entry.target)?.(entry.isIntersecting, entry.boundingClientRect.height)),
      { root: scroller.current, rootMargin: `${MARGIN}px 0px` },
    );
    told.set(element, onChange);
    observer.observe(element);
    return () => {
      told.delete(element);
      observer?.unobserve(element);
      if (told.size > 0) return;
      observer?.disconnect();
      observer = null;
    };
  };
}

interface SlotProps {
  /** Never emptied: what is at the end grows and is followed. */
  kept: boolean;
  children: ReactNode;
}

/**
 * The place of one message. Far from the view it is an empty box of the height that the message had, so that a
 * chat of thousands holds only a few screens of them. One that has the focus or selected text in it stays.
 */
export function Slot({ kept, children }: SlotProps) {
  const watch = use(WatchContext);
  const place = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState<number | null>(null);

  useEffect(() => {
    const element = place.current;
    if (kept || watch === null || element === null) return;
    return watch(element, (near, measured) => {
      if (near) setHeight(null);
      else if (measured > 0 && !isInUse(element)) setHeight(measured);
    });
  }, [kept, watch]);

  const empty = height !== null && !kept;
  return (
    <div ref={place} className="flow-root" style={empty ? { height } : undefined}>
      {!empty && children}
    </div>
  );
}

function isInUse(element: Element): boolean {
  if (element.contains(document.activeElement)) return true;
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(element, true);
}
