"use client";

import { useCallback, useEffect, useMemo, useState, useSyncExternalStore, type MouseEvent, type ReactNode } from "react";
import { PanelLeft, SquarePen, X } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import { Drawer } from "@/components/ui/dialog";
import { Mark } from "@/components/ui/mark";
import { RailProvider } from "@/lib/rail";
import { storage } from "@/lib/storage";
import { strings } from "@/lib/strings";
import { OfflineBar } from "./offline-bar";

const RAIL_HIDDEN = "headrace.rail-hidden";
const WIDE = "(min-width: 768px)";

interface FrameProps {
  /** The chat list. */
  list: ReactNode;
  account: ReactNode;
  newChat: () => void;
  newChatHint: string;
  /** Changes when the person has gone somewhere: the drawer closes. */
  place: string;
  children: ReactNode;
}

/** The frame of every signed-in page: the rail at the left, or a drawer in a narrow window. */
export function Frame({ list, account, newChat, newChatHint, place, children }: FrameProps) {
  const wide = useWide();
  const [railOpen, setRailOpen] = useState(() => storage.getItem(RAIL_HIDDEN) === null);
  const [drawerAt, setDrawerAt] = useState<string | null>(null);

  const toggle = useCallback(() => {
    if (!window.matchMedia(WIDE).matches) {
      setDrawerAt(place);
      return;
    }
    setRailOpen((open) => {
      if (open) storage.setItem(RAIL_HIDDEN, "1");
      else storage.removeItem(RAIL_HIDDEN);
      return !open;
    });
  }, [place]);
  const rail = useMemo(() => ({ open: railOpen, toggle }), [railOpen, toggle]);
  const drawerOpen = !wide && drawerAt === place;

  // Also for the chat that is open already, where nothing else would change.
  const closeOnLink = (event: MouseEvent) => {
    if (event.target instanceof Element && event.target.closest("a")) setDrawerAt(null);
  };

  const content = (close: ReactNode) => (
    <>
      <div className="flex h-14 shrink-0 items-center justify-between pr-3 pl-5">
        <span className="flex items-center gap-2 font-semibold">
          <Mark className="size-6 text-accent" />
          {strings.product}
        </span>
        {close}
      </div>
      <div className="px-3 pb-2">
        <button
          type="button"
          onClick={() => {
            newChat();
            setDrawerAt(null);
          }}
          title={newChatHint}
          className="flex h-10 w-full items-center gap-2.5 rounded-control border border-line bg-page px-3 font-medium hover:bg-hover"
        >
          <SquarePen aria-hidden className="size-4 text-accent" />
          {strings.rail.newChat}
        </button>
      </div>
      <div className="flex min-h-0 flex-1 flex-col" onClick={closeOnLink}>
        {list}
      </div>
      <div className="shrink-0 border-t border-line p-2">{account}</div>
    </>
  );

  return (
    <RailProvider value={rail}>
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-3 focus:left-3 focus:z-50 focus:rounded-control focus:bg-raised focus:px-3 focus:py-2 focus:shadow-float"
      >
        {strings.status.skip}
      </a>
      <div className="flex h-dvh flex-col">
        <OfflineBar />
        <div className="flex min-h-0 flex-1">
          {wide && railOpen && (
            <aside aria-label={strings.rail.aside} className="flex w-(--rail-width) shrink-0 flex-col border-r border-line bg-rail">
              {content(
                <IconButton label={strings.rail.collapse} onClick={toggle}>
                  <PanelLeft aria-hidden className="size-[18px]" />
                </IconButton>,
              )}
            </aside>
          )}
          <main id="main" tabIndex={-1} className="flex min-w-0 flex-1 flex-col outline-none">{children}</main>
        </div>
      </div>
      {!wide && (
        <Drawer open={drawerOpen} onOpenChange={(open) => setDrawerAt(open ? place : null)} title={strings.rail.label}>
          {content(
            <IconButton label={strings.rail.close} onClick={() => setDrawerAt(null)}>
              <X aria-hidden className="size-5" />
            </IconButton>,
          )}
        </Drawer>
      )}
    </RailProvider>
  );
}

/** Whether the window has room for the rail. */
function useWide(): boolean {
  return useSyncExternalStore(
    (notify) => {
      const query = window.matchMedia(WIDE);
      query.addEventListener("change", notify);
      return () => query.removeEventListener("change", notify);
    },
    () => window.matchMedia(WIDE).matches,
    () => true,
  );
}

/** Closes nothing and shows nothing: the frame's shape while it is not known who is here. */
export function FrameSkeleton() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="flex h-dvh" role="status" aria-label={strings.status.loading}>
      {late && <div className="hidden w-(--rail-width) shrink-0 border-r border-line bg-rail md:block" />}
    </div>
  );
}
