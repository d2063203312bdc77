import { useState } from "react";
import type { Shadow } from "@/lib/api/operation-types";
import { operation as words } from "@/lib/strings/operation";
import { ShadowAnswers } from "./shadow-answers";
import { ShadowForm } from "./shadow-form";

interface ShadowPanelProps {
  name: string;
  shadow: Shadow | null;
  /** Those that run. */
  revisions: readonly string[];
}

/** A revision that is asked what others are asked, and whose answers nobody is shown. */
export function ShadowPanel({ name, shadow, revisions }: ShadowPanelProps) {
  const [open, setOpen] = useState(false);
  // It is still the shadow while it is not ready.
  const choices = shadow && !revisions.includes(shadow.revision) ? [shadow.revision, ...revisions] : revisions;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="w-fit cursor-pointer text-hint text-muted">
        {shadow ? words.shadowIs(shadow.revision, shadow.percent) : words.shadowOff}
      </summary>
      {open && (
        <div className="mt-3 space-y-5 rounded-control border border-line p-4">
          <ShadowForm name={name} shadow={shadow} revisions={choices} />
          <ShadowAnswers name={name} />
        </div>
      )}
    </details>
  );
}
