"use client";

import { useState } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { KeepAccount } from "@/components/keep-account";
import { useStepUp } from "@/components/step-up/use-step-up";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Problem } from "@/components/ui/problem";
import { toApiError } from "@/lib/api/error";
import { queryKeys } from "@/lib/api/query-keys";
import { useUser } from "@/lib/session";
import { strings } from "@/lib/strings";
import { deleteAccount } from "../api/delete-account";

const words = strings.identity.account;

export function DeleteAccount() {
  const user = useUser();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const [confirming, setConfirming] = useState(false);
  const ask = useMutation({
    mutationFn: () => stepUp.run(deleteAccount),
    onSuccess: (marked) => client.setQueryData(queryKeys.me, marked),
  });
  if (user.delete_at !== null) return <KeepAccount at={user.delete_at} />;
  return (
    <div className="space-y-4">
      {ask.error && toApiError(ask.error).code !== "cancelled" && <Problem error={ask.error} />}
      <Button variant="danger" disabled={ask.isPending} onClick={() => setConfirming(true)}>
        {words.deletionAsk}
      </Button>
      <Confirm
        open={confirming}
        onOpenChange={setConfirming}
        title={words.deletionTitle}
        detail={words.deletionSure}
        confirm={words.deletionConfirm}
        onConfirm={() => ask.mutate()}
      />
      {stepUp.dialog}
    </div>
  );
}
