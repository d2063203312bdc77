"use client";

import { usePathname, useRouter } from "next/navigation";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { modelsQuery } from "@/lib/api/models";
import { conversationsQuery } from "@/features/history/api/list";
import type { Command } from "@/features/palette/commands";
import Palette from "@/features/palette/components/palette";
import { modifier, newChatKeys } from "@/features/shell/shortcuts";
import { useChatId, useOpenChat } from "@/lib/navigation";
import { closePanel, openPanel } from "@/lib/panel";
import { pickModel } from "@/lib/picked-model";
import { strings } from "@/lib/strings";
import { chooseTheme } from "@/lib/theme";

const words = strings.palette;

/** The palette with what this page can do. */
export default function CommandPalette() {
  const router = useRouter();
  const pathname = usePathname();
  const chatId = useChatId();
  const openChat = useOpenChat();
  const chats = useInfiniteQuery(conversationsQuery);
  const models = useQuery(modelsQuery);
  const onChatPage = pathname === "/";

  const search = (query: string) => router.push(query === "" ? "/search" : `/search?q=${encodeURIComponent(query)}`);
  const focusComposer = () => setTimeout(() => document.getElementById("composer")?.focus(), 0);
  const go = (id: string | null) => {
    openChat(id);
    focusComposer();
  };

  const command = (id: string, label: string, run: () => void, keys?: string): Command => ({
    id,
    group: words.commands,
    label,
    run,
    ...(keys === undefined ? {} : { keys }),
  });
  const commands: Command[] = [
    command("new", strings.rail.newChat, () => go(null), newChatKeys()),
    command("search", words.search, () => search(""), `${modifier()}+Shift+F`),
    command("prompts", strings.prompts.title, () => openPanel({ name: "prompts" })),
    ...(onChatPage
      ? [command("settings", strings.settings.open, () => openPanel({ name: "settings", chat: chatId }))]
      : []),
    ...(onChatPage && chatId !== null
      ? [command("share", strings.share.title, () => openPanel({ name: "share", chat: chatId }))]
      : []),
    command("limits", strings.limits.title, () => openPanel({ name: "limits" })),
    command("archived", strings.archived.title, () => router.push("/archived")),
    command("account", strings.account.open, () => router.push("/account")),
    command("shortcuts", strings.shortcuts.title, () => openPanel({ name: "shortcuts" }), "?"),
    ...(["light", "dark", "system"] as const).map((theme) =>
      command(`theme-${theme}`, words.theme(strings.account.themes[theme]), () => chooseTheme(theme)),
    ),
    ...(onChatPage ? (models.data ?? []) : [])
      .filter(({ state }) => state === "ready")
      .map(({ name, title }) => ({
        id: `model-${name}`,
        group: words.models,
        label: words.model(title),
        also: name,
        run: () => {
          pickModel(chatId, name);
          focusComposer();
        },
      })),
    ...(chats.data?.pages.flatMap((page) => page.items) ?? []).map(({ id, title }) => ({
      id,
      group: words.chats,
      label: title ?? strings.rail.untitled,
      run: () => go(id),
    })),
  ];

  return (
    <Palette
      commands={commands}
      onRun={({ run }) => {
        closePanel();
        // After the palette has given the focus back, so that what comes next can take it.
        setTimeout(run, 0);
      }}
      onSearch={search}
    />
  );
}
