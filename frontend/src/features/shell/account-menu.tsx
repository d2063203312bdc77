"use client";

import { Archive, ChevronsUpDown, Keyboard, LogOut, UserRound } from "lucide-react";
import { Avatar } from "@/components/ui/avatar";
import { Menu } from "@/components/ui/menu";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";
import { chooseTheme, useTheme, type Theme } from "@/lib/theme";

interface AccountMenuProps {
  onAccount: () => void;
  onArchived: () => void;
  onShortcuts: () => void;
  onSignOut: () => void;
}

export function AccountMenu({ onAccount, onArchived, onShortcuts, onSignOut }: AccountMenuProps) {
  const user = useUser();
  const theme = useTheme();
  return (
    <Menu
      side="top"
      className="w-(--radix-dropdown-menu-trigger-width)"
      trigger={
        <button
          type="button"
          aria-label={`${strings.account.menu}: ${user.name}`}
          className="flex w-full items-center gap-3 rounded-control p-2 text-left outline-offset-[-2px] hover:bg-hover"
        >
          <Avatar user={user} className="size-8" />
          <span className="min-w-0 flex-1">
            <span className="block truncate font-medium">{user.name}</span>
            <span className="block truncate text-hint text-muted">{user.email}</span>
          </span>
          <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-muted" />
        </button>
      }
      entries={[
        {
          kind: "item",
          label: strings.account.open,
          icon: <UserRound aria-hidden className="size-4" />,
          onSelect: onAccount,
        },
        {
          kind: "item",
          label: strings.account.archived,
          icon: <Archive aria-hidden className="size-4" />,
          onSelect: onArchived,
        },
        {
          kind: "item",
          label: strings.account.shortcuts,
          icon: <Keyboard aria-hidden className="size-4" />,
          onSelect: onShortcuts,
        },
        { kind: "separator" },
        { kind: "label", label: strings.account.theme },
        {
          kind: "choices",
          value: theme,
          onSelect: (value) => chooseTheme(value as Theme),
          choices: (["system", "light", "dark"] as const).map((value) => ({
            value,
            content: strings.account.themes[value],
          })),
        },
        { kind: "separator" },
        {
          kind: "item",
          label: strings.account.signOut,
          icon: <LogOut aria-hidden className="size-4" />,
          onSelect: onSignOut,
        },
      ]}
    />
  );
}
