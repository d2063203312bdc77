import { Check } from "lucide-react";
import { stages } from "@/lib/api/stages";
import { cn } from "@/lib/cn";
import { strings } from "@/lib/strings";

/** How far somebody is on the way to being ready. */
export function Stages({ state }: { state: string }) {
  const at = stages.findIndex((stage) => stage === state);
  return (
    <ol className="flex flex-wrap items-center gap-x-3 gap-y-1">
      {stages.map((stage, index) => (
        <li
          key={stage}
          aria-current={index === at ? "step" : undefined}
          className={cn("flex items-center gap-1.5", index === at && "text-text")}
        >
          {index < at ? (
            <Check aria-hidden className="size-3.5 text-success" />
          ) : (
            <span
              aria-hidden
              className={cn("size-2 rounded-full", index === at ? "animate-pulse bg-warning" : "border border-line-strong")}
            />
          )}
          {strings.models.states[stage]}
        </li>
      ))}
    </ol>
  );
}
