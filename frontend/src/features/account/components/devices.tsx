"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Laptop } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { queryKeys } from "@/lib/api/query-keys";
import type { Device } from "@/lib/api/identity-types";
import { formatExact, formatWhen } from "@/lib/format";
import { strings } from "@/lib/strings";
import { devicesQuery } from "../api/devices";
import { endOtherSessions } from "../api/end-other-sessions";
import { endSession } from "../api/end-session";
import { agentName } from "../agent-name";

const words = strings.identity.security;

export function Devices() {
  const client = useQueryClient();
  const devices = useQuery(devicesQuery);
  const refetch = () => client.invalidateQueries({ queryKey: queryKeys.devices });
  const end = useMutation({ mutationFn: endSession, onSuccess: refetch });
  const endAll = useMutation({ mutationFn: endOtherSessions, onSuccess: refetch });

  if (devices.error)
    return <Problem error={devices.error} title={words.sessionsFailed} onRetry={() => void devices.refetch()} />;
  if (!devices.data) {
    return (
      <Skeleton className="space-y-2">
        <Bone className="h-16 w-full" />
        <Bone className="h-16 w-full" />
      </Skeleton>
    );
  }
  return (
    <div className="space-y-4">
      <ul className="divide-y divide-line rounded-card border border-line">
        {devices.data.map((device) => (
          <DeviceRow
            key={device.id}
            device={device}
            busy={end.isPending && end.variables === device.id}
            onEnd={() => end.mutate(device.id)}
          />
        ))}
      </ul>
      {end.error && <Problem error={end.error} />}
      {endAll.error && <Problem error={endAll.error} />}
      <div className="flex items-center gap-3">
        <Button disabled={devices.data.length < 2 || endAll.isPending} onClick={() => endAll.mutate()}>
          {words.endAll}
        </Button>
        <span role="status" className="text-ui text-muted">
          {endAll.isSuccess && words.ended(endAll.data.ended_sessions)}
        </span>
      </div>
    </div>
  );
}

function DeviceRow({ device, busy, onEnd }: { device: Device; busy: boolean; onEnd: () => void }) {
  const name = agentName(device.user_agent) ?? words.unknownAgent;
  return (
    <li className="flex items-center gap-3 px-4 py-3">
      <Laptop aria-hidden className="size-5 shrink-0 text-muted" />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-baseline gap-x-3">
          <span className="font-medium">{name}</span>
          {device.current && <span className="text-hint text-success">{words.thisOne}</span>}
        </p>
        <p className="flex flex-wrap gap-x-3 text-hint text-muted">
          <span title={formatExact(device.last_used_at)}>
            {words.lastUsed(formatWhen(device.last_used_at, new Date()))}
          </span>
          {device.address && <span>{device.address}</span>}
          {device.second_factor && <span>{words.withFactor}</span>}
        </p>
      </div>
      {!device.current && (
        <Button size="sm" disabled={busy} aria-label={words.endLabel(name)} onClick={onEnd}>
          {words.end}
        </Button>
      )}
    </li>
  );
}
