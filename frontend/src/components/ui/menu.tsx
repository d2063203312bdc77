"use client";

import { cloneElement, lazy, Suspense, useState, type ReactElement, type ReactNode } from "react";

export type MenuEntry =
  | { kind: "item"; label: string; icon?: ReactNode; danger?: boolean; onSelect: () => void }
  | { kind: "separator" }
  | { kind: "label"; label: string }
  | { kind: "choices"; value: string; onSelect: (value: string) => void; choices: MenuChoice[] };

export interface MenuChoice {
  value: string;
  content: ReactNode;
  disabled?: boolean;
}

export interface MenuProps {
  trigger: ReactElement<TriggerProps>;
  entries: MenuEntry[];
  side?: "top" | "bottom";
  align?: "start" | "end";
  /** Called when the menu has closed; preventDefault keeps the focus from going back to the trigger. */
  onClosed?: (event: Event) => void;
  onOpenChange?: (open: boolean) => void;
  className?: string;
}

interface TriggerProps {
  onClick?: () => void;
  onPointerEnter?: () => void;
  onFocus?: () => void;
  "aria-haspopup"?: "menu";
  "aria-expanded"?: boolean;
}

const loadContent = () => import("./menu-content");
const MenuContent = lazy(loadContent);

/** Fetch the menus' script once somebody is about to open one. */
function preload(): void {
  void loadContent();
}

/** A menu behind a button. What opens is loaded apart: the first view of a page needs only the button. */
export function Menu(props: MenuProps) {
  const [wanted, setWanted] = useState(false);
  const trigger = cloneElement(props.trigger, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    onPointerEnter: preload,
    onFocus: preload,
    onClick: () => setWanted(true),
  });
  if (!wanted) return trigger;
  return (
    <Suspense fallback={trigger}>
      <MenuContent {...props} />
    </Suspense>
  );
}
