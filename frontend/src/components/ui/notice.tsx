import type { ReactNode } from "react";
import { CircleAlert, Info, TriangleAlert } from "lucide-react";
import { cn } from "@/lib/cn";

const tones = {
  danger: { box: "bg-danger-soft text-danger", Icon: CircleAlert },
  warning: { box: "bg-warning-soft text-warning", Icon: TriangleAlert },
  info: { box: "bg-bubble text-muted", Icon: Info },
} as const;

interface NoticeProps {
  tone?: keyof typeof tones;
  children: ReactNode;
  actions?: ReactNode;
  /** Read out as soon as it appears. */
  urgent?: boolean;
  className?: string;
}

/** What happened and what to do about it, in one quiet box. */
export function Notice({ tone = "info", children, actions, urgent = false, className }: NoticeProps) {
  const { box, Icon } = tones[tone];
  return (
    <div
      role={urgent ? "alert" : undefined}
      className={cn("flex flex-wrap items-center gap-x-3 gap-y-2 rounded-control px-3 py-2 text-ui", box, className)}
    >
      <div className="flex min-w-0 flex-1 basis-56 items-start gap-2">
        <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
        <div className="min-w-0">{children}</div>
      </div>
      {actions && <div className="flex items-center gap-2">{actions}</div>}
    </div>
  );
}
