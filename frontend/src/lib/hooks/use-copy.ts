import { useCallback, useEffect, useState } from "react";

export type CopyState = "idle" | "copied" | "failed";

/** Copy text and say for two seconds whether it worked. */
export function useCopy(): { state: CopyState; copy: (text: string) => void } {
  const [state, setState] = useState<CopyState>("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), 2000);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = useCallback((text: string) => {
    void writeText(text).then((worked) => setState(worked ? "copied" : "failed"));
  }, []);
  return { state, copy };
}

async function writeText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No permission, or not a secure context: the button says that it did not work.
    return false;
  }
}
