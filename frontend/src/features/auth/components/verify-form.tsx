"use client";

import Link from "next/link";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Notice } from "@/components/ui/notice";
import { toApiError } from "@/lib/api/error";
import { queryKeys } from "@/lib/api/query-keys";
import { useLinkToken } from "@/lib/hooks/use-link-token";
import { strings } from "@/lib/strings";
import { verifyEmail } from "../api/verify-email";
import { EntryFrame } from "./entry-frame";
import { Submit } from "./submit";

const words = strings.identity.verify;

/** Where the link of a mail leads. A click is asked for: programs that look through mails open links too. */
export function VerifyForm() {
  const client = useQueryClient();
  const token = useLinkToken();
  const verify = useMutation({
    mutationFn: verifyEmail,
    onSuccess: () => {
      window.history.replaceState(null, "", window.location.pathname);
      void client.invalidateQueries({ queryKey: queryKeys.me });
    },
  });
  const problem = verify.error && toApiError(verify.error);
  return (
    <EntryFrame
      title={words.title}
      foot={
        <Link className="font-medium text-accent underline underline-offset-2" href="/">
          {words.onward}
        </Link>
      }
    >
      {verify.isSuccess ? (
        <Notice urgent>{words.done(verify.data.email)}</Notice>
      ) : token === "" ? (
        <Notice tone="warning">{words.noLink}</Notice>
      ) : (
        <form
          className="space-y-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (token) verify.mutate(token);
          }}
        >
          {problem ? (
            <Notice tone="danger" urgent>
              {problem.message}
            </Notice>
          ) : (
            <p className="text-ui text-muted">{words.detail}</p>
          )}
          <Submit busy={verify.isPending} wait={0} label={words.submit} busyLabel={words.busy} />
        </form>
      )}
    </EntryFrame>
  );
}
