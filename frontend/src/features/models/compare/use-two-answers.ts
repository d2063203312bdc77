import { useEffect, useRef, useState } from "react";
import { toApiError, type ApiError } from "@/lib/api/error";
import { askRevision } from "../api/ask-revision";
import { NOTHING, readAnswer, type Progress } from "./read-answer";

export interface Side {
  revision: string;
  progress: Progress;
  error: ApiError | null;
  running: boolean;
}

/** Left and right: which revision stands where is left to chance, so that nobody judges by the name. */
export type Sides = readonly [Side, Side];

const begun = (revision: string): Side => ({ revision, progress: NOTHING, error: null, running: true });

/** Two revisions' answers to one prompt, both at once. What still runs ends with the component. */
export function useTwoAnswers(name: string) {
  const [sides, setSides] = useState<Sides | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  function change(controller: AbortController, index: number, changes: Partial<Side>) {
    if (controller.signal.aborted) return;
    setSides((before) => before && (before.map((side, at) => (at === index ? { ...side, ...changes } : side)) as unknown as Sides));
  }

  async function follow(controller: AbortController, index: number, revision: string, prompt: string) {
    const began = performance.now();
    try {
      const response = await askRevision(name, revision, prompt, controller.signal);
      const progress = await readAnswer(response, began, (progress) => change(controller, index, { progress }));
      change(controller, index, { progress, running: false });
    } catch (error) {
      change(controller, index, { error: toApiError(error), running: false });
    }
  }

  function ask(revisions: readonly [string, string], prompt: string) {
    running.current?.abort();
    const controller = (running.current = new AbortController());
    const [first, second] = Math.random() < 0.5 ? revisions : [revisions[1], revisions[0]];
    setSides([begun(first), begun(second)]);
    void follow(controller, 0, first, prompt);
    void follow(controller, 1, second, prompt);
  }

  function reset() {
    running.current?.abort();
    setSides(null);
  }

  return { sides, ask, reset };
}
