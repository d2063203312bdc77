import { useEffect } from "react";

/** Call `action` when Escape is pressed and nobody else took it, as an open menu, dialog or field would. */
export function useEscape(active: boolean, action: () => void): void {
  useEffect(() => {
    if (!active) return;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented) action();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [active, action]);
}
