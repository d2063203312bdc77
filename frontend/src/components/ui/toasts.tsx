"use client";

import { useEffect, useState } from "react";
import { X } from "lucide-react";
import { strings } from "@/lib/strings";
import { closeToast, useToasts, type Toast } from "@/lib/toasts";
import { Button, IconButton } from "./button";

const SHOWN_MS = 10_000;

/** What was just done, at the foot of the page. It waits while it is pointed at or has the focus. */
export function Toasts() {
  const toasts = useToasts();
  return (
    <div
      role="status"
      className="pointer-events-none fixed inset-x-0 bottom-28 z-30 flex flex-col items-center gap-2 px-4"
    >
      {toasts.map((toast) => (
        <Row key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function Row({ toast }: { toast: Toast }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => closeToast(toast.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [held, toast.id]);
  return (
    <div
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
      className="pointer-events-auto flex max-w-full animate-rise items-center gap-2 rounded-card border border-line bg-raised py-2 pr-2 pl-4 shadow-float"
    >
      <p className="min-w-0 truncate">{toast.text}</p>
      {toast.action && (
        <Button
          size="sm"
          variant="ghost"
          className="text-accent!"
          onClick={() => {
            toast.action?.run();
            closeToast(toast.id);
          }}
        >
          {toast.action.label}
        </Button>
      )}
      <IconButton label={strings.status.close} size="sm" onClick={() => closeToast(toast.id)}>
        <X aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}
