"use client";

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type katex from "katex";
import { cn } from "@/lib/cn";

type Katex = typeof katex;

let loaded: Katex | null = null;
let loading: Promise<Katex | null> | null = null;

/** The typesetter and its fonts come with the first formula. Without them the source can be read. */
function load(): Promise<Katex | null> {
  loading ??= import("./typesetter").then(
    (module) => (loaded = module.default),
    () => {
      // Asked for again by the next formula.
      loading = null;
      return null;
    },
  );
  return loading;
}

/** What a model may make of a formula is bounded: no links, no pictures, no classes, no endless macros. */
const bounds = { trust: false, maxSize: 20, maxExpand: 200, strict: false, throwOnError: true } as const;
const LONGEST = 5_000;

/** Nodes, not markup: nothing that a model wrote is parsed as HTML. null for what is no LaTeX, or not yet. */
function typeset(typesetter: Katex, source: string, display: boolean): HTMLElement | null {
  if (source.length > LONGEST) return null;
  const box = document.createElement("span");
  try {
    typesetter.render(source, box, { ...bounds, displayMode: display });
    return box;
  } catch {
    return null;
  }
}

/** A formula in LaTeX; its source as long as that is not one yet. */
export function Formula({ source, display }: { source: string; display: boolean }) {
  const [typesetter, setTypesetter] = useState<Katex | null>(loaded);
  const place = useRef<HTMLSpanElement>(null);
  const box = useMemo(
    () => (typesetter === null ? null : typeset(typesetter, source, display)),
    [typesetter, source, display],
  );

  useEffect(() => {
    if (typesetter === null) void load().then((ready) => setTypesetter(() => ready));
  }, [typesetter]);
  useLayoutEffect(() => {
    if (box !== null) place.current?.replaceChildren(box);
  }, [box]);

  if (box === null) return <code className={cn(display && "block overflow-x-auto")}>{source}</code>;
  return (
    <span
      ref={place}
      tabIndex={display ? 0 : undefined}
      className={cn(display && "block overflow-x-auto overflow-y-hidden py-1")}
    />
  );
}
