const DAY_MS = 86_400_000;

/** Midnight of a moment's day, in the person's own time zone. */
function startOfDay(date: Date): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

/** Whole calendar days from `then` to `now`, by the local calendar (0 is today). */
export function daysBetween(then: Date, now: Date): number {
  // Rounded, because a day of clock change has 23 or 25 hours.
  return Math.round((startOfDay(now).getTime() - startOfDay(then).getTime()) / DAY_MS);
}

/** Relative under a week ("3 hours ago"), the date after that. */
export function formatWhen(iso: string, now: Date, locale?: string): string {
  const then = new Date(iso);
  const seconds = Math.round((then.getTime() - now.getTime()) / 1000);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const ago = Math.abs(seconds);
  if (ago < 45) return relative.format(0, "second");
  if (ago < 3600) return relative.format(Math.round(seconds / 60), "minute");
  if (ago < 86_400) return relative.format(Math.round(seconds / 3600), "hour");
  if (ago < 7 * 86_400) return relative.format(-daysBetween(then, now), "day");
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(then);
}

export function formatExact(iso: string, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" }).format(new Date(iso));
}

/** Date and time in one short line. */
export function formatMoment(iso: string, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

export function formatDate(iso: string, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(new Date(iso));
}

export function formatNumber(value: number, locale?: string, digits = 0): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
}

/** Milliseconds as a person reads them: "480 ms", "2.4 s", "1 min 5 s". */
export function formatDuration(ms: number, locale?: string): string {
  if (ms < 1000) return `${formatNumber(ms, locale)} ms`;
  if (ms < 60_000) return `${formatNumber(ms / 1000, locale, 1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${formatNumber(Math.floor(seconds / 60), locale)} min ${seconds % 60} s`;
}

/** Whole seconds to wait, in the two largest units: "45 s", "12 min 5 s", "3 h 20 min", "4 d 2 h". */
export function formatWait(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const units = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ] as const;
  const at = units.findIndex(([size]) => seconds >= size);
  return units
    .slice(at, at + 2)
    .map(([size, name], index) => [Math.floor((index === 0 ? seconds : seconds % units[at]![0]) / size), name] as const)
    .filter(([count]) => count > 0)
    .map(([count, name]) => `${count} ${name}`)
    .join(" ");
}
