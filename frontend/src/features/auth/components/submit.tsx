import { Button } from "@/components/ui/button";
import { formatWait } from "@/lib/format";
import { strings } from "@/lib/strings";

interface SubmitProps {
  busy: boolean;
  /** Seconds to wait before another try is allowed. */
  wait: number;
  label: string;
  busyLabel: string;
}

export function Submit({ busy, wait, label, busyLabel }: SubmitProps) {
  return (
    <Button type="submit" variant="primary" className="h-11 w-full" disabled={busy || wait > 0}>
      {busy ? busyLabel : wait > 0 ? strings.chat.waitToSend(formatWait(wait)) : label}
    </Button>
  );
}
