"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { queryKeys } from "@/lib/api/query-keys";
import { strings } from "@/lib/strings";
import { devicesQuery } from "../api/devices";
import { endOtherSessions } from "../api/end-other-sessions";

const words = strings.identity.security;

/** For somebody who has just added a way to prove who they are: other sessions were opened without it. */
export function OfferEndOthers() {
  const client = useQueryClient();
  const devices = useQuery(devicesQuery);
  const end = useMutation({
    mutationFn: endOtherSessions,
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.devices }),
  });
  if (!end.isSuccess && (devices.data?.length ?? 0) < 2) return null;
  return (
    <div role="status" className="flex flex-wrap items-center gap-3 rounded-card border border-line px-4 py-3">
      <p className="min-w-0 flex-1 basis-56">
        {end.isSuccess ? words.ended(end.data.ended_sessions) : words.offerEndOthers}
      </p>
      {!end.isSuccess && (
        <Button size="sm" disabled={end.isPending} onClick={() => end.mutate()}>
          {words.endAll}
        </Button>
      )}
      {end.error && <Problem error={end.error} />}
    </div>
  );
}
