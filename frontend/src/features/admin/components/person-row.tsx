"use client";

import { LogOut, MoreHorizontal, ShieldOff, Trash2, Undo2, UserCheck, UserX } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import { inputStyle } from "@/components/ui/field";
import { Menu, type MenuEntry } from "@/components/ui/menu";
import type { Group, Person } from "@/lib/api/identity-types";
import type { Role } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { formatDate, formatWhen } from "@/lib/format";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";

const words = strings.identity.people;
export const ROLES = ["user", "operator", "admin"] as const;

interface PersonRowProps {
  person: Person;
  groups: readonly Group[];
  busy: boolean;
  onRole: (role: Role) => void;
  onGroup: (id: string | null) => void;
  onEnable: () => void;
  onDisable: () => void;
  onDelete: () => void;
  onKeep: () => void;
  onEndSessions: () => void;
  onRemoveFactor: () => void;
}

export function PersonRow(props: PersonRowProps) {
  const { person, groups, busy, onRole, onGroup, onEnable, onDisable, onDelete, onKeep, onEndSessions, onRemoveFactor } = props;
  const own = useUser().id === person.id;
  const icon = "size-4";
  const entries: MenuEntry[] = [
    { kind: "item", label: words.endSessions, icon: <LogOut aria-hidden className={icon} />, onSelect: onEndSessions },
  ];
  if (person.second_factor) {
    entries.push({
      kind: "item",
      label: words.removeFactor,
      icon: <ShieldOff aria-hidden className={icon} />,
      onSelect: onRemoveFactor,
    });
  }
  if (!person.active)
    entries.push({ kind: "item", label: words.enable, icon: <UserCheck aria-hidden className={icon} />, onSelect: onEnable });
  else if (!own)
    entries.push({
      kind: "item",
      label: words.disable,
      danger: true,
      icon: <UserX aria-hidden className={icon} />,
      onSelect: onDisable,
    });
  if (person.delete_at !== null)
    entries.push({ kind: "item", label: words.keep, icon: <Undo2 aria-hidden className={icon} />, onSelect: onKeep });
  else if (!own)
    entries.push({
      kind: "item",
      label: words.remove,
      danger: true,
      icon: <Trash2 aria-hidden className={icon} />,
      onSelect: onDelete,
    });
  const facts = [
    person.open_sessions > 0 && words.sessions(person.open_sessions),
    person.last_seen_at !== null && words.lastSeen(formatWhen(person.last_seen_at, new Date())),
    person.second_factor && words.withFactor,
    !person.email_verified && words.unverified,
    person.delete_at !== null && words.deletedOn(formatDate(person.delete_at)),
  ].filter((fact) => fact !== false);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 py-3 pr-2 pl-4">
      <div className="min-w-0 flex-1 basis-56">
        <p className="flex flex-wrap items-baseline gap-x-3">
          <span className={cn("font-medium", !person.active && "text-muted line-through")}>{person.name}</span>
          {own && <span className="text-hint text-success">{words.you}</span>}
          {!person.active && <span className="text-hint text-danger">{words.disabled}</span>}
        </p>
        <p className="text-hint break-all text-muted">{person.email}</p>
        <p className="flex flex-wrap gap-x-3 text-hint text-muted">
          {facts.map((fact) => (
            <span key={fact}>{fact}</span>
          ))}
        </p>
      </div>
      <div className="flex w-full items-center gap-2 sm:w-auto">
        <Choice
          label={words.role(person.name)}
          value={person.role}
          disabled={busy}
          options={ROLES.map((role) => [role, strings.account.roles[role]])}
          onChange={(role) => onRole(role as Role)}
        />
        {groups.length > 0 && (
          <Choice
            label={words.group(person.name)}
            value={person.group_id ?? ""}
            disabled={busy}
            options={[["", words.noGroup], ...groups.map(({ id, name }) => [id, name] as const)]}
            onChange={(group) => onGroup(group || null)}
          />
        )}
        <Menu
          align="end"
          entries={entries}
          trigger={
            <IconButton label={words.actions(person.name)} disabled={busy}>
              <MoreHorizontal aria-hidden className="size-4" />
            </IconButton>
          }
        />
      </div>
    </li>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  disabled: boolean;
  /** What each is, and what is said of it. */
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
}

function Choice({ label, value, disabled, options, onChange }: ChoiceProps) {
  return (
    <div className="min-w-0 flex-1 sm:w-36 sm:flex-none">
      <select
        aria-label={label}
        value={value}
        disabled={disabled}
        onChange={(event) => onChange(event.target.value)}
        className={cn(inputStyle, "h-9 text-ui")}
      >
        {options.map(([option, said]) => (
          <option key={option} value={option}>
            {said}
          </option>
        ))}
      </select>
    </div>
  );
}
