"use client";

import { Check, Copy, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { useCopy } from "@/lib/hooks/use-copy";
import { strings } from "@/lib/strings";

const words = strings.identity.security;

/** Recovery codes, on the only screen that ever shows them. */
export function RecoveryCodes({ codes, onDone }: { codes: readonly string[]; onDone: () => void }) {
  const { state, copy } = useCopy();
  const CopyIcon = state === "copied" ? Check : state === "failed" ? X : Copy;
  return (
    <section aria-label={words.codesTitle} className="rounded-card border border-success bg-success-soft p-4">
      <h3 className="font-semibold text-success">{words.codesTitle}</h3>
      <p className="mt-1">{words.codesDetail}</p>
      <ol className="mt-3 grid gap-x-6 gap-y-1 rounded-control border border-line bg-page px-3 py-2.5 font-mono text-hint sm:grid-cols-2">
        {codes.map((code) => (
          <li key={code} className="select-all">
            {code}
          </li>
        ))}
      </ol>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button onClick={() => copy(codes.join("\n"))} autoFocus>
          <CopyIcon aria-hidden className="size-4" />
          {state === "copied" ? strings.chat.copied : state === "failed" ? strings.chat.copyFailed : words.codesCopy}
        </Button>
        <Button onClick={onDone}>{words.codesDone}</Button>
      </div>
    </section>
  );
}
