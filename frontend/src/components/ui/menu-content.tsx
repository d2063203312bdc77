"use client";

import { useEffect, type ReactNode } from "react";
import { DropdownMenu } from "radix-ui";
import { Check } from "lucide-react";
import { cn } from "@/lib/cn";
import type { MenuChoice, MenuEntry, MenuProps } from "./menu";

const itemStyle =
  "flex cursor-pointer items-center gap-2 rounded-control px-2 py-2 text-ui outline-none select-none " +
  "data-highlighted:bg-hover data-disabled:cursor-not-allowed data-disabled:text-muted";

/** Mounted by the click that asks for it, so it starts open. */
export default function MenuContent(props: MenuProps) {
  const { trigger, entries, side = "bottom", align = "start", onClosed, onOpenChange, className } = props;

  useEffect(() => onOpenChange?.(true), [onOpenChange]);

  return (
    <DropdownMenu.Root defaultOpen {...(onOpenChange ? { onOpenChange } : {})}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          side={side}
          align={align}
          sideOffset={4}
          collisionPadding={8}
          {...(onClosed ? { onCloseAutoFocus: onClosed } : {})}
          className={cn(
            "z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-44 overflow-y-auto",
            "rounded-card border border-line bg-raised p-1 shadow-float animate-rise",
            className,
          )}
        >
          {entries.map((entry, index) => (
            <Entry key={index} entry={entry} />
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function Entry({ entry }: { entry: MenuEntry }): ReactNode {
  switch (entry.kind) {
    case "separator":
      return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
    case "label":
      return <DropdownMenu.Label className="px-2 py-1 text-hint text-muted">{entry.label}</DropdownMenu.Label>;
    case "item":
      return (
        <DropdownMenu.Item
          onSelect={entry.onSelect}
          className={cn(itemStyle, entry.danger && "text-danger data-highlighted:bg-danger-soft")}
        >
          {entry.icon}
          {entry.label}
        </DropdownMenu.Item>
      );
    case "choices":
      return (
        <DropdownMenu.RadioGroup value={entry.value} onValueChange={entry.onSelect}>
          {entry.choices.map((choice) => (
            <Choice key={choice.value} choice={choice} />
          ))}
        </DropdownMenu.RadioGroup>
      );
  }
}

function Choice({ choice }: { choice: MenuChoice }) {
  return (
    <DropdownMenu.RadioItem
      value={choice.value}
      disabled={choice.disabled ?? false}
      className={cn(itemStyle, "justify-between gap-4")}
    >
      <span className="min-w-0">{choice.content}</span>
      <DropdownMenu.ItemIndicator>
        <Check aria-hidden className="size-4 text-accent" />
      </DropdownMenu.ItemIndicator>
    </DropdownMenu.RadioItem>
  );
}
