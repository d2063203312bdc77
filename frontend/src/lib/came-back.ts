import { useSyncExternalStore } from "react";

/** With what an identity provider's answer left the browser, at the sign-in page or where a way in was to be added: see the gateway's callback. */
export interface CameBack {
  /** The second step that is still to be taken. */
  step: { token: string; methods: string[] } | null;
  /** The code of what went wrong. */
  problem: string | null;
}

const NOTHING: CameBack = { step: null, problem: null };

/** What stands behind the "#" of the page. */
export function readCameBack(hash: string): CameBack {
  const problem = /^#problem=(\w{1,40})$/.exec(hash)?.[1] ?? null;
  const step = /^#step=([\w-]{20,128})\.([a-z.]{1,40})$/.exec(hash);
  if (!step && problem === null) return NOTHING;
  return { step: step ? { token: step[1]!, methods: step[2]!.split(".") } : null, problem };
}

let read: { hash: string; found: CameBack } = { hash: "", found: NOTHING };

function current(): CameBack {
  const { hash } = window.location;
  if (hash !== read.hash) read = { hash, found: readCameBack(hash) };
  return read.found;
}

function subscribe(notify: () => void): () => void {
  window.addEventListener("hashchange", notify);
  return () => window.removeEventListener("hashchange", notify);
}

/** What the address says of a sign-in elsewhere that has just ended. */
export function useCameBack(): CameBack {
  return useSyncExternalStore(subscribe, current, () => NOTHING);
}
