import type { Promotion, Revision } from "@/lib/api/operation-types";

/** A model with everything that is known of its revisions and promotions, newest first. */
export interface ModelRevisions {
  name: string;
  title: string;
  revisions: Revision[];
  promotions: Promotion[];
}

/** Revisions by their model, models by name. */
export function byModel(revisions: readonly Revision[], promotions: readonly Promotion[]): ModelRevisions[] {
  const names = [...new Set(revisions.map(({ name }) => name))].sort((a, b) => a.localeCompare(b));
  return names
    .map((name) => {
      const own = revisions.filter((revision) => revision.name === name);
      const speaker = [...own].sort((a, b) => b.weight - a.weight)[0]!;
      const title = speaker.spec["title"];
      return {
        name,
        title: typeof title === "string" ? title : name,
        revisions: own,
        promotions: promotions.filter((promotion) => promotion.name === name),
      };
    })
    // Those that run come first: a model of which nothing is left is history.
    .sort((a, b) => Number(gone(a)) - Number(gone(b)));
}

function gone({ revisions }: ModelRevisions): boolean {
  return revisions.every(({ desired, state }) => desired === "retired" && state === "retired");
}

/** Each revision's part of the traffic, from 0 to 1; those without traffic are left out. */
export function sharesOf(revisions: readonly Revision[]): { revision: Revision; part: number }[] {
  const total = revisions.reduce((sum, { weight }) => sum + weight, 0);
  return revisions.filter(({ weight }) => weight > 0).map((revision) => ({ revision, part: revision.weight / total }));
}

/** A name that no revision has yet: the next number where names end with one. */
export function nextRevision(revision: string, taken: ReadonlySet<string>): string {
  const match = /^(.*?)(\d+)$/.exec(revision);
  const stem = match ? match[1]! : `${revision}.`;
  let number = match ? Number(match[2]) + 1 : 2;
  while (taken.has(`${stem}${number}`)) number += 1;
  return `${stem}${number}`;
}

/** Percents as somebody types them; null where they are no rising steps that end with 100. */
export function typedSteps(typed: string): number[] | null {
  const parts = typed.split(/[\s,;]+/).filter((part) => part !== "");
  if (parts.length === 0 || parts.some((part) => !/^\d{1,3}%?$/.test(part))) return null;
  const steps = parts.map((part) => Number(part.replace("%", "")));
  const rising = steps.every((step, index) => step > (steps[index - 1] ?? 0));
  return rising && steps.at(-1) === 100 ? steps : null;
}
