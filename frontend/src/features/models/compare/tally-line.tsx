import type { Tally } from "@/lib/api/operation-types";
import { operation as words } from "@/lib/strings/operation";

/** What all votes about two revisions come to. */
export function TallyLine({ tally }: { tally: Tally }) {
  const votes = tally.one_better + tally.other_better + tally.both + tally.neither;
  return (
    <p role="status" className="text-hint text-muted tabular-nums">
      {words.tally(votes, tally.one, tally.one_better, tally.other, tally.other_better, tally.both, tally.neither)}
    </p>
  );
}
