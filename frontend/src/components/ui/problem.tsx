import { RotateCcw } from "lucide-react";
import { toApiError } from "@/lib/api/error";
import { strings } from "@/lib/strings";
import { Button } from "./button";
import { Notice } from "./notice";

interface ProblemProps {
  error: unknown;
  /** What did not work, where the error alone does not say it. */
  title?: string;
  onRetry?: () => void;
  className?: string;
}

/** An error as a sentence, with a way to try again where that may help. */
export function Problem({ error, title, onRetry, className }: ProblemProps) {
  const problem = toApiError(error);
  return (
    <Notice
      tone="danger"
      urgent
      className={className ?? ""}
      actions={
        onRetry &&
        problem.retry && (
          <Button size="sm" onClick={onRetry}>
            <RotateCcw aria-hidden className="size-3.5" />
            {strings.errors.retry}
          </Button>
        )
      }
    >
      {title && <span className="font-medium">{title} </span>}
      {problem.message}
    </Notice>
  );
}
