import { useQuery } from "@tanstack/react-query";
import { Dialog } from "@/components/ui/dialog";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import type { Revision } from "@/lib/api/operation-types";
import { operation as words } from "@/lib/strings/operation";
import { revisionLogQuery } from "../api/revision-log";

/** What the replicas of a revision wrote last. */
export function RevisionLog({ revision, onClose }: { revision: Revision; onClose: () => void }) {
  const log = useQuery(revisionLogQuery(revision.name, revision.revision));
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={words.logTitle(revision.name, revision.revision)} wide>
      {log.isPending && (
        <Skeleton>
          <Bone className="h-40 w-full" />
        </Skeleton>
      )}
      {log.error && <Problem error={log.error} title={words.logFailed} onRetry={() => void log.refetch()} />}
      {log.data !== undefined && (
        <pre tabIndex={0} className="max-h-[60dvh] overflow-auto rounded-control bg-code p-3 font-mono text-hint whitespace-pre-wrap">
          {log.data.trim() || words.logEmpty}
        </pre>
      )}
    </Dialog>
  );
}
