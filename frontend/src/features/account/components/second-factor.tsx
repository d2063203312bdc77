"use client";

import { useState } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ShieldCheck, ShieldOff } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Confirm, Dialog } from "@/components/ui/dialog";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { toApiError } from "@/lib/api/error";
import { queryKeys } from "@/lib/api/query-keys";
import { formatDate } from "@/lib/format";
import { strings } from "@/lib/strings";
import { beginTotp } from "../api/begin-totp";
import { factorsQuery } from "@/lib/api/factors";
import { newRecoveryCodes } from "../api/new-recovery-codes";
import { removeTotp } from "../api/remove-totp";
import { EnrolForm } from "./enrol-form";
import { OfferEndOthers } from "./offer-end-others";
import { RecoveryCodes } from "./recovery-codes";
import { useStepUp } from "@/components/step-up/use-step-up";

const words = strings.identity.security;

export function SecondFactor() {
  const client = useQueryClient();
  const stepUp = useStepUp();
  const factors = useQuery(factorsQuery);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [added, setAdded] = useState(false);
  const [confirming, setConfirming] = useState(false);
  const refetch = () => client.invalidateQueries({ queryKey: queryKeys.factors });
  const begin = useMutation({ mutationFn: () => stepUp.run(beginTotp) });
  const remove = useMutation({ mutationFn: () => stepUp.run(removeTotp), onSuccess: refetch });
  const renew = useMutation({
    mutationFn: () => stepUp.run(newRecoveryCodes),
    onSuccess: ({ recovery_codes }) => {
      setCodes(recovery_codes);
      return refetch();
    },
  });
  const problem = [begin.error, remove.error, renew.error].find(
    (error) => error !== null && toApiError(error).code !== "cancelled",
  );

  if (factors.error)
    return <Problem error={factors.error} title={words.factorFailed} onRetry={() => void factors.refetch()} />;
  if (!factors.data) {
    return (
      <Skeleton>
        <Bone className="h-16 w-full" />
      </Skeleton>
    );
  }
  const { totp_since: since, recovery_codes_left: left, passkeys } = factors.data;
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-center gap-3 rounded-card border border-line px-4 py-3">
        {since === null ? (
          <ShieldOff aria-hidden className="size-5 shrink-0 text-muted" />
        ) : (
          <ShieldCheck aria-hidden className="size-5 shrink-0 text-success" />
        )}
        <div className="min-w-0 flex-1 basis-40">
          <p>{since === null ? words.factorOff : words.factorOn(formatDate(since))}</p>
          {(since !== null || passkeys > 0) && <p className="text-hint text-muted">{words.codesLeft(left)}</p>}
        </div>
        {(since !== null || passkeys > 0) && (
          <Button disabled={renew.isPending} onClick={() => renew.mutate()}>
            {words.newCodes}
          </Button>
        )}
        {since === null ? (
          <Button variant="primary" disabled={begin.isPending} onClick={() => begin.mutate()}>
            {words.setUp}
          </Button>
        ) : (
          <Button disabled={remove.isPending} onClick={() => setConfirming(true)}>
            {words.remove}
          </Button>
        )}
      </div>
      {problem && <Problem error={problem} />}
      {codes && <RecoveryCodes codes={codes} onDone={() => setCodes(null)} />}
      {added && since !== null && <OfferEndOthers />}
      <Dialog open={begin.data !== undefined} onOpenChange={(open) => !open && begin.reset()} title={words.enrolTitle}>
        {begin.data && (
          <EnrolForm
            enrolment={begin.data}
            onDone={(fresh) => {
              begin.reset();
              setCodes(fresh);
              setAdded(true);
              void refetch();
            }}
          />
        )}
      </Dialog>
      <Confirm
        open={confirming}
        onOpenChange={setConfirming}
        title={words.removeTitle}
        detail={words.removeDetail}
        confirm={words.removeConfirm}
        onConfirm={() => remove.mutate()}
      />
      {stepUp.dialog}
    </div>
  );
}
