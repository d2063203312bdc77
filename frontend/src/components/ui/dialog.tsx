"use client";

import { lazy, Suspense, useState } from "react";
import type { ConfirmProps, DialogProps, DrawerProps } from "./dialog-content";

const load = () => import("./dialog-content");
const LazyDialog = lazy(async () => ({ default: (await load()).DialogContent }));
const LazyConfirm = lazy(async () => ({ default: (await load()).ConfirmContent }));
const LazyDrawer = lazy(async () => ({ default: (await load()).DrawerContent }));

/** Fetch the dialogs' script before the first is asked for. */
export function preloadDialogs(): void {
  void load();
}

/** True from the first opening on: until then nothing of a dialog is loaded or mounted. */
function useEverOpen(open: boolean): boolean {
  const [ever, setEver] = useState(open);
  if (open && !ever) setEver(true);
  return ever || open;
}

export function Dialog(props: DialogProps) {
  return (
    useEverOpen(props.open) && (
      <Suspense>
        <LazyDialog {...props} />
      </Suspense>
    )
  );
}

export function Confirm(props: ConfirmProps) {
  return (
    useEverOpen(props.open) && (
      <Suspense>
        <LazyConfirm {...props} />
      </Suspense>
    )
  );
}

export function Drawer(props: DrawerProps) {
  return (
    useEverOpen(props.open) && (
      <Suspense>
        <LazyDrawer {...props} />
      </Suspense>
    )
  );
}
