"use client";

import { useMutation, useQuery } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Problem } from "@/components/ui/problem";
import { providersQuery } from "@/lib/api/providers";
import { safeReturnPath } from "@/lib/navigation";
import { strings } from "@/lib/strings";
import { beginElsewhere } from "../api/begin-elsewhere";

const words = strings.identity.elsewhere;

/** A button for each place where one may have an account. Nothing where there is none, or none is known. */
export function Elsewhere({ next }: { next: string | null }) {
  const providers = useQuery(providersQuery);
  const begin = useMutation({
    mutationFn: beginElsewhere,
    onSuccess: ({ url }) => window.location.assign(url),
  });
  if (!providers.data || providers.data.length === 0) return null;
  return (
    <div className="mt-4 space-y-2 border-t border-line pt-4">
      {begin.error && <Problem error={begin.error} />}
      {providers.data.map((provider) => (
        <Button
          key={provider.id}
          className="h-11 w-full"
          disabled={begin.isPending || begin.isSuccess}
          onClick={() => begin.mutate({ provider: provider.id, next: safeReturnPath(next) })}
        >
          {words.use(provider.title)}
        </Button>
      ))}
    </div>
  );
}
