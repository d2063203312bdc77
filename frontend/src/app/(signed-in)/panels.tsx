"use client";

import { lazy, Suspense, useEffect, useState } from "react";
import { usePathname } from "next/navigation";
import { Dialog, preloadDialogs } from "@/components/ui/dialog";
import { insertText } from "@/lib/compose";
import { useOpenChat } from "@/lib/navigation";
import { closePanel, panelOpener, usePanel, type Panel } from "@/lib/panel";
import { strings } from "@/lib/strings";

const LimitsDialog = lazy(() => import("@/features/chat/components/limits-dialog"));
const SettingsDialog = lazy(() => import("@/features/chat/components/settings-dialog"));
const SummaryDialog = lazy(() => import("@/features/chat/components/summary-dialog"));
const ShareDialog = lazy(() => import("@/features/history/components/share-dialog"));
const PromptLibrary = lazy(() => import("@/features/prompts/components/prompt-library"));
const ShortcutList = lazy(() => import("@/features/shell/shortcut-list"));
const loadPalette = () => import("./command-palette");
const CommandPalette = lazy(loadPalette);

/** Long enough after the page for its own first work. */
const QUIET_MS = 1_500;

const titles: Record<Panel["name"], string> = {
  palette: strings.palette.title,
  shortcuts: strings.shortcuts.title,
  prompts: strings.prompts.title,
  limits: strings.limits.title,
  settings: strings.settings.title,
  share: strings.share.title,
  summary: strings.context.title,
};

/** What lies over the page, each fetched when it is first asked for. */
export function Panels() {
  const panel = usePanel();
  const pathname = usePathname();
  const openChat = useOpenChat();
  // A panel that closes keeps its content while it goes.
  const [shown, setShown] = useState<Panel | null>(panel);
  if (panel !== null && panel !== shown) setShown(panel);
  useEffect(() => () => closePanel(), []);
  // What is asked for by a key has to be there at once: letters typed after it would go elsewhere.
  useEffect(() => {
    const timer = setTimeout(() => {
      preloadDialogs();
      void loadPalette();
    }, QUIET_MS);
    return () => clearTimeout(timer);
  }, []);
  if (shown === null) return null;

  const insert = (text: string) => {
    closePanel("composer");
    if (pathname !== "/") openChat(null);
    insertText(text);
  };
  return (
    <Dialog
      key={shown.name}
      open={panel !== null}
      onOpenChange={(open) => !open && closePanel()}
      title={titles[shown.name]}
      wide={shown.name === "settings" || shown.name === "prompts"}
      bare={shown.name === "palette"}
      returnFocus={panelOpener}
    >
      <Suspense fallback={<div className="h-24" />}>
        {shown.name === "palette" && <CommandPalette />}
        {shown.name === "shortcuts" && <ShortcutList />}
        {shown.name === "prompts" && <PromptLibrary onInsert={insert} />}
        {shown.name === "limits" && <LimitsDialog />}
        {shown.name === "settings" && <SettingsDialog chat={shown.chat} onDone={() => closePanel()} />}
        {shown.name === "summary" && <SummaryDialog chat={shown.chat} />}
        {shown.name === "share" && <ShareDialog chat={shown.chat} />}
      </Suspense>
    </Dialog>
  );
}
