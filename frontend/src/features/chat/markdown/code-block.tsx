"use client";

import { memo, useEffect, useRef, useState } from "react";
import type { ThemedToken } from "shiki/core";
import { Check, Copy, WrapText, X } from "lucide-react";
import { useIsCodeFenceIncomplete } from "streamdown";
import { IconButton } from "@/components/ui/button";
import { cn } from "@/lib/cn";
import { useCopy } from "@/lib/hooks/use-copy";
import { strings } from "@/lib/strings";
import { highlight } from "./highlight";

/** While code grows it is coloured this often; the newest part waits in plain text. */
const REPAINT_MS = 200;

interface CodeBlockProps {
  code: string;
  language: string;
}

export const CodeBlock = memo(function CodeBlock({ code, language }: CodeBlockProps) {
  const growing = useIsCodeFenceIncomplete();
  const painted = usePainted(code, language, growing);
  const [wrapped, setWrapped] = useState(false);
  const { state, copy } = useCopy();
  const CopyIcon = state === "copied" ? Check : state === "failed" ? X : Copy;
  const copyLabel =
    state === "copied" ? strings.chat.copied : state === "failed" ? strings.chat.copyFailed : strings.chat.copyCode;

  return (
    <figure className="overflow-hidden rounded-card border border-line bg-code">
      <figcaption className="flex h-9 items-center justify-between gap-2 border-b border-line pr-1 pl-4 text-hint text-muted">
        <span className="truncate font-mono">{language}</span>
        <span className="flex items-center">
          <IconButton
            label={strings.chat.wrapCode}
            size="sm"
            aria-pressed={wrapped}
            className={cn(wrapped && "bg-selected text-text")}
            onClick={() => setWrapped(!wrapped)}
          >
            <WrapText aria-hidden className="size-3.5" />
          </IconButton>
          <IconButton label={copyLabel} size="sm" onClick={() => copy(code)}>
            <CopyIcon aria-hidden className="size-3.5" />
          </IconButton>
        </span>
      </figcaption>
      <pre
        tabIndex={0}
        role="region"
        aria-label={strings.chat.code(language)}
        className={cn(
          "overflow-x-auto px-4 py-3 outline-offset-[-2px]",
          wrapped ? "whitespace-pre-wrap" : "[overflow-wrap:normal] whitespace-pre",
        )}
      >
        <code>
          {painted.lines.map((line, index) => (
            <Line key={index} tokens={line} last={index === painted.lines.length - 1} />
          ))}
          {painted.rest}
        </code>
      </pre>
    </figure>
  );
});

const Line = memo(
  function Line({ tokens, last }: { tokens: ThemedToken[]; last: boolean }) {
    return (
      <>
        {tokens.map((token, index) => (
          <span key={index} style={{ color: token.color }}>
            {token.content}
          </span>
        ))}
        {!last && "\n"}
      </>
    );
  },
  (before, after) =>
    before.last === after.last &&
    before.tokens.length === after.tokens.length &&
    before.tokens.every(
      (token, index) =>
        token.content === after.tokens[index]?.content && token.color === after.tokens[index]?.color,
    ),
);

interface Painted {
  lines: ThemedToken[][];
  rest: string;
}

/** The code as coloured lines, plus what has arrived since they were coloured. */
function usePainted(code: string, language: string, growing: boolean): Painted {
  const [result, setResult] = useState<{ code: string; lines: ThemedToken[][] } | null>(null);
  const paintedAt = useRef(0);

  useEffect(() => {
    let current = true;
    const wait = growing ? Math.max(0, paintedAt.current + REPAINT_MS - performance.now()) : 0;
    const timer = setTimeout(() => {
      paintedAt.current = performance.now();
      void highlight(code, language).then((lines) => {
        if (current && lines) setResult({ code, lines });
      });
    }, wait);
    return () => {
      // A later result replaces this one, except while text pours in: then an older painting still helps.
      if (!growing) current = false;
      clearTimeout(timer);
    };
  }, [code, language, growing]);

  if (result === null || !code.startsWith(result.code)) return { lines: [], rest: code };
  return { lines: result.lines, rest: code.slice(result.code.length) };
}
