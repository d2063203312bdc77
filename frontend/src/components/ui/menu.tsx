"use client";

import type { ReactNode } from "react";
import { DropdownMenu } from "radix-ui";
import { Check } from "lucide-react";
import { cn } from "@/lib/cn";

const itemStyle =
  "flex cursor-pointer items-center gap-2 rounded-control px-2 py-2 text-ui outline-none select-none " +
  "data-highlighted:bg-hover data-disabled:cursor-not-allowed data-disabled:text-muted";

interface MenuProps {
  trigger: ReactNode;
  children: ReactNode;
  side?: "top" | "bottom";
  align?: "start" | "end";
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  /** Called when the menu has closed; return true to keep focus from going back to the trigger. */
  onCloseAutoFocus?: (event: Event) => void;
  className?: string;
}

export function Menu({
  trigger,
  children,
  side = "bottom",
  align = "start",
  open,
  onOpenChange,
  onCloseAutoFocus,
  className,
}: MenuProps) {
  return (
    <DropdownMenu.Root {...(open === undefined ? {} : { open })} {...(onOpenChange ? { onOpenChange } : {})}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          side={side}
          align={align}
          sideOffset={4}
          collisionPadding={8}
          {...(onCloseAutoFocus ? { onCloseAutoFocus } : {})}
          className={cn(
            "z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-44 overflow-y-auto",
            "rounded-card border border-line bg-raised p-1 shadow-float animate-rise",
            className,
          )}
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

interface MenuItemProps {
  children: ReactNode;
  onSelect: () => void;
  danger?: boolean;
  disabled?: boolean;
}

export function MenuItem({ children, onSelect, danger = false, disabled = false }: MenuItemProps) {
  return (
    <DropdownMenu.Item
      disabled={disabled}
      onSelect={onSelect}
      className={cn(itemStyle, danger && "text-danger data-highlighted:bg-danger-soft")}
    >
      {children}
    </DropdownMenu.Item>
  );
}

export function MenuSeparator() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className="px-2 py-1 text-hint text-muted">{children}</DropdownMenu.Label>;
}

interface MenuChoicesProps {
  value: string;
  onValueChange: (value: string) => void;
  children: ReactNode;
}

export function MenuChoices({ value, onValueChange, children }: MenuChoicesProps) {
  return (
    <DropdownMenu.RadioGroup value={value} onValueChange={onValueChange}>
      {children}
    </DropdownMenu.RadioGroup>
  );
}

interface MenuChoiceProps {
  value: string;
  children: ReactNode;
  disabled?: boolean;
}

export function MenuChoice({ value, children, disabled = false }: MenuChoiceProps) {
  return (
    <DropdownMenu.RadioItem value={value} disabled={disabled} className={cn(itemStyle, "justify-between gap-4")}>
      <span className="min-w-0">{children}</span>
      <DropdownMenu.ItemIndicator>
        <Check aria-hidden className="size-4 text-accent" />
      </DropdownMenu.ItemIndicator>
    </DropdownMenu.RadioItem>
  );
}
