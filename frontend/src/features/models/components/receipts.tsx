import type { Promotion } from "@/lib/api/operation-types";
import { formatMoment } from "@/lib/format";
import { operation as words } from "@/lib/strings/operation";
import { RepeatEvaluation } from "../evaluate/repeat-evaluation";

/** What became of the promotions that are over. */
export function Receipts({ promotions }: { promotions: readonly Promotion[] }) {
  return (
    <details>
      <summary className="w-fit cursor-pointer text-hint text-muted">{words.receipts(promotions.length)}</summary>
      <ul className="divide-y divide-line">
        {promotions.map((promotion) => (
          <li key={promotion.id} className="py-2 text-hint">
            <p>
              {words.receipt(formatMoment(promotion.created_at), promotion.revision, words.promotionStates[promotion.state])}
            </p>
            {promotion.detail && <p className="text-muted">{promotion.detail}</p>}
            {promotion.state === "promoted" && promotion.receipt && (
              <p className="text-muted">
                {words.finished(Number(promotion.receipt["streams_finished_on_old"]), Number(promotion.receipt["drops"]))}
              </p>
            )}
            <RepeatEvaluation promotion={promotion} />
            <details>
              <summary className="w-fit cursor-pointer text-muted">{words.whole}</summary>
              <pre tabIndex={0} className="mt-1 max-h-80 overflow-auto rounded-control bg-code p-3 font-mono">
                {JSON.stringify(promotion.receipt, null, 2)}
              </pre>
            </details>
          </li>
        ))}
      </ul>
    </details>
  );
}
