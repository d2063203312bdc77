"use client";

import { useRef, type ReactNode } from "react";
import { AlertDialog, Dialog as RadixDialog } from "radix-ui";
import { X } from "lucide-react";
import { cn } from "@/lib/cn";
import { strings } from "@/lib/strings";
import { Button, IconButton } from "./button";

const overlayStyle = "fixed inset-0 z-40 bg-scrim";
const boxStyle =
  "fixed left-1/2 z-50 w-[calc(100vw-32px)] -translate-x-1/2 rounded-card border border-line bg-raised shadow-float animate-rise";
const contentStyle = `${boxStyle} top-1/2 max-h-[85dvh] -translate-y-1/2 overflow-y-auto p-6`;

/**
 * Gives the focus back to what had it when a dialog without a trigger of its own opened. When that
 * is gone by then, `otherwise` says where to; else the page itself gets it, never nowhere.
 */
function useFocusReturn(otherwise?: () => HTMLElement | null) {
  const before = useRef<Element | null>(null);
  return {
    onOpenAutoFocus: () => {
      before.current = document.activeElement;
    },
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      const usable = before.current instanceof HTMLElement && before.current.isConnected && before.current !== document.body;
      const target = otherwise?.() ?? (usable ? (before.current as HTMLElement) : document.getElementById("main"));
      target?.focus();
    },
  };
}

export interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  wide?: boolean;
  /** Near the top, without a visible title: what is inside begins with its own field. */
  bare?: boolean;
  /** Where the focus goes afterwards, when it is not what had it as the dialog appeared. */
  returnFocus?: () => HTMLElement | null;
  children: ReactNode;
}

export function DialogContent({ open, onOpenChange, title, wide = false, bare = false, returnFocus, children }: DialogProps) {
  const focus = useFocusReturn(returnFocus);
  if (bare) {
    return (
      <RadixDialog.Root open={open} onOpenChange={onOpenChange}>
        <RadixDialog.Portal>
          <RadixDialog.Overlay className={overlayStyle} />
          <RadixDialog.Content
            className={cn(boxStyle, "top-[12dvh] max-w-[560px] overflow-hidden")}
            aria-describedby={undefined}
            {...focus}
          >
            <RadixDialog.Title className="sr-only">{title}</RadixDialog.Title>
            {children}
          </RadixDialog.Content>
        </RadixDialog.Portal>
      </RadixDialog.Root>
    );
  }
  return (
    <RadixDialog.Root open={open} onOpenChange={onOpenChange}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className={overlayStyle} />
        <RadixDialog.Content
          className={cn(contentStyle, wide ? "max-w-[600px]" : "max-w-[440px]")}
          aria-describedby={undefined}
          {...focus}
        >
          <div className="mb-4 flex items-center justify-between gap-4">
            <RadixDialog.Title className="text-reading font-semibold">{title}</RadixDialog.Title>
            <RadixDialog.Close asChild>
              <IconButton label={strings.status.close} size="sm">
                <X aria-hidden className="size-4" />
              </IconButton>
            </RadixDialog.Close>
          </div>
          {children}
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

export interface ConfirmProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  detail: string;
  confirm: string;
  onConfirm: () => void;
  /** Where focus goes afterwards, when what opened the dialog may be gone. */
  returnFocus?: (() => HTMLElement | null) | undefined;
}

/** Asks before something that cannot be taken back. The safe answer has the focus. */
export function ConfirmContent(props: ConfirmProps) {
  const { open, onOpenChange, title, detail, confirm, onConfirm, returnFocus } = props;
  const cancel = useRef<HTMLButtonElement>(null);
  const focus = useFocusReturn(returnFocus);
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className={overlayStyle} />
        <AlertDialog.Content
          className={cn(contentStyle, "max-w-[440px]")}
          onOpenAutoFocus={(event) => {
            focus.onOpenAutoFocus();
            event.preventDefault();
            cancel.current?.focus();
          }}
          onCloseAutoFocus={focus.onCloseAutoFocus}
        >
          <AlertDialog.Title className="text-reading font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-ui text-muted">{detail}</AlertDialog.Description>
          <div className="mt-6 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button ref={cancel}>{strings.status.cancel}</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button variant="danger" onClick={onConfirm}>
                {confirm}
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

export interface DrawerProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  children: ReactNode;
}

/** A panel from the left edge, for narrow windows. */
export function DrawerContent({ open, onOpenChange, title, children }: DrawerProps) {
  const focus = useFocusReturn();
  return (
    <RadixDialog.Root open={open} onOpenChange={onOpenChange}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className={overlayStyle} />
        <RadixDialog.Content
          aria-describedby={undefined}
          {...focus}
          className="fixed inset-y-0 left-0 z-50 flex w-[min(320px,calc(100vw-56px))] flex-col bg-rail shadow-float animate-slide"
        >
          <RadixDialog.Title className="sr-only">{title}</RadixDialog.Title>
          {children}
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}
