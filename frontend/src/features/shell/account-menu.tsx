"use client";

import { ChevronsUpDown, Keyboard, LogOut, UserRound } from "lucide-react";
import { Menu, MenuChoice, MenuChoices, MenuItem, MenuLabel, MenuSeparator } from "@/components/ui/menu";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";
import { chooseTheme, useTheme, type Theme } from "@/lib/theme";

interface AccountMenuProps {
  onAccount: () => void;
  onShortcuts: () => void;
  onSignOut: () => void;
}

export function AccountMenu({ onAccount, onShortcuts, onSignOut }: AccountMenuProps) {
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
          className="flex w-full items-center gap-3 rounded-control p-2 text-left hover:bg-hover"
        >
          <span
            aria-hidden
            className="flex size-8 shrink-0 items-center justify-center rounded-full bg-accent-soft font-semibold text-accent"
          >
            {user.name.trim().charAt(0).toLocaleUpperCase()}
          </span>
          <span className="min-w-0 flex-1">
            <span className="block truncate font-medium">{user.name}</span>
            <span className="block truncate text-hint text-muted">{user.email}</span>
          </span>
          <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-muted" />
        </button>
      }
    >
      <MenuItem onSelect={onAccount}>
        <UserRound aria-hidden className="size-4" />
        {strings.account.open}
      </MenuItem>
      <MenuItem onSelect={onShortcuts}>
        <Keyboard aria-hidden className="size-4" />
        {strings.account.shortcuts}
      </MenuItem>
      <MenuSeparator />
      <MenuLabel>{strings.account.theme}</MenuLabel>
      <MenuChoices value={theme} onValueChange={(value) => chooseTheme(value as Theme)}>
        {(["system", "light", "dark"] as const).map((value) => (
          <MenuChoice key={value} value={value}>
            {strings.account.themes[value]}
          </MenuChoice>
        ))}
      </MenuChoices>
      <MenuSeparator />
      <MenuItem onSelect={onSignOut}>
        <LogOut aria-hidden className="size-4" />
        {strings.account.signOut}
      </MenuItem>
    </Menu>
  );
}
