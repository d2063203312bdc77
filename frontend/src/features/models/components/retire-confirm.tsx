import { useState } from "react";
import { Confirm } from "@/components/ui/dialog";
import type { Revision } from "@/lib/api/operation-types";
import { operation as words } from "@/lib/strings/operation";
import { retireRevision } from "../api/retire-revision";
import type { ModelRevisions } from "../shares";

interface RetireConfirmProps {
  model: ModelRevisions;
  /** The one that is asked about; null for none. */
  revision: Revision | null;
  onClose: () => void;
  onRetire: (wanted: () => Promise<unknown>) => void;
}

/** Asks before a revision is taken down, and says so where nobody would answer then. */
export function RetireConfirm({ model, revision, onClose, onRetire }: RetireConfirmProps) {
  // While it closes, it goes on saying what it said.
  const [shown, setShown] = useState(revision);
  if (revision !== null && revision !== shown) setShown(revision);
  const last =
    shown !== null &&
    shown.weight > 0 &&
    !model.revisions.some((other) => other.revision !== shown.revision && other.weight > 0 && other.state === "ready");
  const detail = shown === null ? "" : words.retireDetail(shown.revision);
  return (
    <Confirm
      open={revision !== null}
      onOpenChange={(open) => !open && onClose()}
      title={words.retireTitle}
      detail={last ? `${detail} ${words.retireLast(model.name)}` : detail}
      confirm={words.retireConfirm}
      onConfirm={() => shown && onRetire(() => retireRevision({ ...shown, force: last }))}
    />
  );
}
