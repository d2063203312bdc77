import type { AuditEvent } from "@/lib/api/identity-types";
import { formatExact, formatWhen } from "@/lib/format";
import { strings } from "@/lib/strings";

const words = strings.identity.audit;

/** Events, newest first. Narrow windows scroll it sideways. */
export function AuditTable({ events }: { events: readonly AuditEvent[] }) {
  const now = new Date();
  return (
    <div className="overflow-x-auto rounded-card border border-line" tabIndex={0} role="region" aria-label={words.title}>
      <table className="w-full text-left text-ui whitespace-nowrap">
        <thead className="text-hint text-muted">
          <tr className="border-b border-line">
            <th className="px-3 py-2 font-medium">#</th>
            <th className="px-3 py-2 font-medium">{words.when}</th>
            <th className="px-3 py-2 font-medium">{words.action}</th>
            <th className="px-3 py-2 font-medium">{words.outcome}</th>
            <th className="px-3 py-2 font-medium">{words.actor}</th>
            <th className="px-3 py-2 font-medium">{words.target}</th>
            <th className="px-3 py-2 font-medium">{words.address}</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {events.map((event) => (
            <tr key={event.number}>
              <td className="px-3 py-2 text-hint text-muted tabular-nums">{event.number}</td>
              <td className="px-3 py-2" title={formatExact(event.at)}>
                {formatWhen(event.at, now)}
              </td>
              <td className="px-3 py-2">{event.action}</td>
              <td className={event.outcome === "refused" ? "px-3 py-2 font-medium text-danger" : "px-3 py-2"}>
                {words.outcomes[event.outcome]}
              </td>
              <td className="px-3 py-2">
                <Id value={event.actor} />
              </td>
              <td className="px-3 py-2">
                <Id value={event.target} />
              </td>
              <td className="px-3 py-2">{event.address ?? ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The end of a long id tells it apart, the whole of it is on hover and can be copied. */
function Id({ value }: { value: string | null }) {
  if (value === null) return <span className="text-muted">{words.nobody}</span>;
  const short = value.length > 18 ? `${value.slice(0, 4)}…${value.slice(-6)}` : value;
  return (
    <code title={value} className="font-mono text-hint">
      {short}
    </code>
  );
}
