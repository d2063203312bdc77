import { Pencil, Trash2 } from "lucide-react";
import { IconButton } from "@/components/ui/button";
import type { Group, GroupUsage } from "@/lib/api/identity-types";
import { formatNumber } from "@/lib/format";
import { strings } from "@/lib/strings";

const words = strings.identity.groups;

interface GroupRowProps {
  group: Group;
  usage: readonly GroupUsage[];
  busy: boolean;
  onEdit: () => void;
  onDelete: () => void;
}

export function GroupRow({ group, usage, busy, onEdit, onDelete }: GroupRowProps) {
  const used = usage.map(({ period, used, limit }) => {
    const say = period === "day" ? words.today : words.thisMonth;
    return say(formatNumber(used), limit === null ? null : formatNumber(limit));
  });
  const models = group.models?.length === 0 ? words.noModels : (group.models?.join(", ") ?? null);
  return (
    <div className="flex items-center gap-2">
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-baseline gap-x-3">
          <span className="font-medium break-words">{group.name}</span>
          <span className="text-hint text-muted">{words.members(group.members)}</span>
        </p>
        {used.length > 0 && <p className="text-hint text-muted tabular-nums">{used.join(" · ")}</p>}
        {models !== null && <p className="text-hint break-words text-muted">{models}</p>}
      </div>
      <IconButton label={words.edit(group.name)} onClick={onEdit}>
        <Pencil aria-hidden className="size-4" />
      </IconButton>
      <IconButton label={words.remove(group.name)} disabled={busy} onClick={onDelete}>
        <Trash2 aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}
