import type { ModelState } from "./types";

/** The way of a revision to its first answer; one without weights of its own has nothing to fetch. */
export const stages = ["pending", "fetching", "starting", "warming", "ready"] as const satisfies readonly ModelState[];

/** On the way to answering. */
export function onItsWay(state: string): boolean {
  return stages.some((stage) => stage === state && stage !== "ready");
}
