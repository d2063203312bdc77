"use client";

import { lazy } from "react";

function load() {
  // When the piece cannot be fetched the words still can be read.
  return import("./markdown").catch(() => ({ default: PlainText }));
}

/** Markdown comes apart from the page's first script: it is not needed until there is an answer. */
export const Markdown = lazy(load);

/** Fetch it before it is needed. It comes once, however often this is called. */
export function preloadMarkdown(): void {
  void load();
}

function PlainText({ text }: { text: string; growing: boolean }) {
  return <div className="prose whitespace-pre-wrap">{text}</div>;
}
