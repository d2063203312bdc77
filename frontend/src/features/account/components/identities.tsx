"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link2 } from "lucide-react";
import { useStepUp } from "@/components/step-up/use-step-up";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { toApiError } from "@/lib/api/error";
import { providersQuery } from "@/lib/api/providers";
import { queryKeys } from "@/lib/api/query-keys";
import { useCameBack } from "@/lib/came-back";
import { strings } from "@/lib/strings";
import { identitiesQuery } from "../api/identities";
import { linkElsewhere } from "../api/link-elsewhere";
import { unlink } from "../api/unlink";

const words = strings.identity.elsewhere;

/** Accounts elsewhere that open this one. */
export function Identities() {
  const client = useQueryClient();
  const stepUp = useStepUp();
  const cameBack = useCameBack();
  const providers = useQuery(providersQuery);
  const identities = useQuery(identitiesQuery);
  const link = useMutation({
    mutationFn: (provider: string) => stepUp.run(() => linkElsewhere(provider)),
    onSuccess: ({ url }) => window.location.assign(url),
  });
  const remove = useMutation({
    mutationFn: (id: string) => stepUp.run(() => unlink(id)),
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.identities }),
  });
  const failed = providers.error ?? identities.error;
  const problem = [link.error, remove.error].find((error) => error !== null && toApiError(error).code !== "cancelled");
  if (failed) {
    const again = () => void Promise.all([providers.refetch(), identities.refetch()]);
    return <Problem error={failed} title={words.loadFailed} onRetry={again} />;
  }
  if (!providers.data || !identities.data) {
    return (
      <Skeleton>
        <Bone className="h-12 w-full" />
      </Skeleton>
    );
  }
  return (
    <div className="space-y-4">
      {cameBack.problem !== null && !problem && (
        <Notice tone="danger" urgent>
          {words.linkProblems[cameBack.problem === "sign_in_refused" ? "sign_in_refused" : "other"]}
        </Notice>
      )}
      {problem && <Problem error={problem} />}
      {identities.data.length > 0 && (
        <ul className="divide-y divide-line rounded-card border border-line">
          {identities.data.map((one) => {
            const title = providers.data.find(({ id }) => id === one.provider)?.title ?? one.provider;
            return (
              <li key={one.id} className="flex items-center gap-3 px-4 py-3">
                <Link2 aria-hidden className="size-5 shrink-0 text-muted" />
                <div className="min-w-0 flex-1">
                  <p className="font-medium">{title}</p>
                  {one.email && <p className="text-hint break-all text-muted">{one.email}</p>}
                </div>
                <Button
                  size="sm"
                  aria-label={words.unlinkLabel(title)}
                  disabled={remove.isPending}
                  onClick={() => remove.mutate(one.id)}
                >
                  {words.unlink}
                </Button>
              </li>
            );
          })}
        </ul>
      )}
      {providers.data.length === 0 && identities.data.length === 0 && <p className="text-muted">{words.none}</p>}
      <div className="flex flex-wrap gap-2">
        {providers.data.map((provider) => (
          <Button key={provider.id} disabled={link.isPending || link.isSuccess} onClick={() => link.mutate(provider.id)}>
            {words.link(provider.title)}
          </Button>
        ))}
      </div>
      {stepUp.dialog}
    </div>
  );
}
