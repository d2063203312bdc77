import { useId, type ComponentProps, type ReactNode } from "react";
import { cn } from "@/lib/cn";

export const inputStyle =
  "w-full rounded-control border border-line-strong bg-field px-3 text-text outline-offset-0 " +
  "aria-invalid:border-danger disabled:opacity-60";

interface FieldProps extends ComponentProps<"input"> {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  trailing?: ReactNode;
}

/** A labelled input. Its hint and its error are read with it. */
export function Field({ label, hint, error, trailing, className, ...props }: FieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block text-ui font-medium">
        {label}
      </label>
      <div className="relative">
        <input
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={note ? `${id}-note` : undefined}
          className={cn(inputStyle, "h-11 text-reading", trailing && "pr-11")}
          {...props}
        />
        {trailing && <div className="absolute inset-y-0 right-1 flex items-center">{trailing}</div>}
      </div>
      {note && (
        <p id={`${id}-note`} className={cn("mt-1 text-hint", error ? "text-danger" : "text-muted")}>
          {note}
        </p>
      )}
    </div>
  );
}

interface AreaProps extends ComponentProps<"textarea"> {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  /** What is written there is for a machine. */
  code?: boolean;
}

/** A labelled text of several lines. Its hint and its error are read with it. */
export function Area({ label, hint, error, code, className, ...props }: AreaProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block text-ui font-medium">
        {label}
      </label>
      <textarea
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
        spellCheck={code ? false : undefined}
        className={cn(inputStyle, "block resize-y py-2", code ? "font-mono text-ui" : "text-reading")}
        {...props}
      />
      {note && (
        <p id={`${id}-note`} className={cn("mt-1 text-hint", error ? "text-danger" : "text-muted")}>
          {note}
        </p>
      )}
    </div>
  );
}
