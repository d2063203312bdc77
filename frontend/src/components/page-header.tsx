"use client";

import type { ReactNode } from "react";
import { Menu as MenuIcon, PanelLeft } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import { cn } from "@/lib/cn";
import { useRail } from "@/lib/rail";
import { strings } from "@/lib/strings";

/** The line at the top of every signed-in page: where you are, and the way to the chat list. */
export function PageHeader({ title, actions }: { title: string; actions?: ReactNode }) {
  const rail = useRail();
  return (
    <header className="flex h-14 shrink-0 items-center gap-1 px-3">
      <span className="md:hidden">
        <IconButton label={strings.rail.open} onClick={rail.toggle}>
          <MenuIcon aria-hidden className="size-5" />
        </IconButton>
      </span>
      <span className={cn("hidden", !rail.open && "md:inline")}>
        <IconButton label={strings.rail.expand} onClick={rail.toggle}>
          <PanelLeft aria-hidden className="size-[18px]" />
        </IconButton>
      </span>
      <h1 className="min-w-0 flex-1 truncate px-2 text-ui font-medium" title={title}>
        {title}
      </h1>
      {actions}
    </header>
  );
}
