import { useQuery } from "@tanstack/react-query";
import { Problem } from "@/components/ui/problem";
import { Bone, Skeleton } from "@/components/ui/skeleton";
import { formatMoment } from "@/lib/format";
import type { ShadowAnswer, ShadowTally } from "@/lib/api/shadow-types";
import { operation as words } from "@/lib/strings/operation";
import { shadowReportQuery } from "../api/shadow-report";

/** What the copies of the last week came to, and the newest of them. */
export function ShadowAnswers({ name }: { name: string }) {
  const report = useQuery(shadowReportQuery(name));
  if (report.isPending)
    return (
      <Skeleton>
        <Bone className="h-16 w-full" />
      </Skeleton>
    );
  if (!report.data) return <Problem error={report.error} title={words.shadowsFailed} onRetry={() => void report.refetch()} />;
  if (report.data.items.length === 0) return <p className="text-hint text-muted">{words.noShadowAnswers}</p>;
  return (
    <div className="space-y-4">
      {report.data.tallies.map((tally) => (
        <TallyOf key={`${tally.revision} ${tally.shadow_revision}`} tally={tally} />
      ))}
      <details>
        <summary className="w-fit cursor-pointer text-hint text-muted">{words.shadowItems(report.data.items.length)}</summary>
        <ul className="divide-y divide-line">
          {report.data.items.map((item) => (
            <Answer key={item.id} item={item} />
          ))}
        </ul>
      </details>
    </div>
  );
}

function TallyOf({ tally }: { tally: ShadowTally }) {
  return (
    <div className="overflow-x-auto" tabIndex={0} role="group" aria-label={words.shadowTally(tally.revision, tally.shadow_revision)}>
      <table className="w-full max-w-xl text-left text-hint tabular-nums">
        <caption className="pb-1 text-left text-muted">
          {words.shadowCount(tally.answers, tally.failed, tally.same, tally.likeness)}
        </caption>
        <thead className="text-muted">
          <tr>
            <th scope="col" className="pr-4 font-normal">
              {words.shadowSide}
            </th>
            <th scope="col" className="pr-4 font-normal">
              {words.shadowFirst}
            </th>
            <th scope="col" className="font-normal">
              {words.shadowTokens}
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row" className="pr-4 font-medium">
              {tally.revision}
            </th>
            <td className="pr-4">{words.milliseconds(tally.live_first_ms)}</td>
            <td>{words.meanTokens(tally.live_tokens)}</td>
          </tr>
          <tr>
            <th scope="row" className="pr-4 font-medium">
              {words.asShadow(tally.shadow_revision)}
            </th>
            <td className="pr-4">{words.milliseconds(tally.shadow_first_ms)}</td>
            <td>{words.meanTokens(tally.shadow_tokens)}</td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function Answer({ item }: { item: ShadowAnswer }) {
  return (
    <li className="space-y-2 py-3 text-hint">
      <p className="text-muted">
        {item.likeness === null
          ? words.shadowFailed(formatMoment(item.created_at), item.shadow_revision)
          : words.shadowLike(formatMoment(item.created_at), item.likeness)}
      </p>
      {item.detail && <p className="text-danger">{item.detail}</p>}
      {item.prompt && <p className="line-clamp-3 font-medium break-words">{item.prompt}</p>}
      {item.live.text !== null && (
        <div className="grid gap-3 sm:grid-cols-2">
          <Said revision={item.revision} text={item.live.text} />
          <Said revision={words.asShadow(item.shadow_revision)} text={item.shadow.text ?? ""} />
        </div>
      )}
    </li>
  );
}

/** Plain text: what a model wrote is not rendered where it is only compared. */
function Said({ revision, text }: { revision: string; text: string }) {
  return (
    <div className="min-w-0">
      <p className="text-muted">{revision}</p>
      <p tabIndex={0} className="max-h-60 overflow-auto rounded-control bg-code p-2 break-words whitespace-pre-wrap">
        {text || words.saidNothing}
      </p>
    </div>
  );
}
