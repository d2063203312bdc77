"use client";

import { useState } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, Users } from "lucide-react";
import { AccountFrame } from "@/components/account-frame";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import type { Group } from "@/lib/api/identity-types";
import { queryKeys } from "@/lib/api/query-keys";
import { strings } from "@/lib/strings";
import { deleteGroup } from "../api/delete-group";
import { groupUsageQuery } from "../api/group-usage";
import { groupsQuery } from "../api/groups";
import { GroupForm } from "./group-form";
import { GroupRow } from "./group-row";

const words = strings.identity.groups;

export function GroupsView() {
  const client = useQueryClient();
  const groups = useQuery(groupsQuery);
  const usage = useQuery(groupUsageQuery);
  /** The id of the group that is being changed, "new" for one that is being made. */
  const [open, setOpen] = useState<string | null>(null);
  const [asked, setAsked] = useState<Group | null>(null);
  const [confirming, setConfirming] = useState(false);
  const remove = useMutation({
    mutationFn: (group: Group) => deleteGroup(group.id),
    onSettled: () => client.invalidateQueries({ queryKey: queryKeys.groups }),
  });
  const close = () => setOpen(null);
  return (
    <AccountFrame title={words.title}>
      <section className="space-y-4">
        <p className="text-ui text-muted">{words.detail}</p>
        {open === "new" ? (
          <GroupForm group={null} onDone={close} />
        ) : (
          <Button onClick={() => setOpen("new")}>
            <Plus aria-hidden className="size-4" />
            {words.add}
          </Button>
        )}
        {groups.error && <Problem error={groups.error} title={words.failed} onRetry={() => void groups.refetch()} />}
        {usage.error && !groups.error && (
          <Problem error={usage.error} title={words.usageFailed} onRetry={() => void usage.refetch()} />
        )}
        {remove.error && <Problem error={remove.error} />}
        {groups.isPending && (
          <Skeleton className="space-y-2">
            <Bone className="h-16 w-full" />
            <Bone className="h-16 w-full" />
          </Skeleton>
        )}
        {groups.data?.length === 0 && (
          <p className="flex items-center gap-3 rounded-card border border-dashed border-line-strong px-4 py-6 text-muted">
            <Users aria-hidden className="size-5 shrink-0" />
            {words.empty}
          </p>
        )}
        {groups.data && groups.data.length > 0 && (
          <ul className="divide-y divide-line rounded-card border border-line">
            {groups.data.map((group) => (
              <li key={group.id} className="py-3 pr-2 pl-4">
                {open === group.id ? (
                  <GroupForm group={group} onDone={close} />
                ) : (
                  <GroupRow
                    group={group}
                    usage={usage.data?.filter(({ group_id }) => group_id === group.id) ?? []}
                    busy={remove.isPending}
                    onEdit={() => setOpen(group.id)}
                    onDelete={() => {
                      setAsked(group);
                      setConfirming(true);
                    }}
                  />
                )}
              </li>
            ))}
          </ul>
        )}
      </section>
      <Confirm
        open={confirming}
        onOpenChange={setConfirming}
        title={words.removeTitle}
        detail={words.removeDetail(asked?.name ?? "")}
        confirm={words.removeConfirm}
        onConfirm={() => asked && remove.mutate(asked)}
      />
    </AccountFrame>
  );
}
