import { useSyncExternalStore } from "react";
import { storage } from "./storage";

export type Theme = "light" | "dark" | "system";
const KEY = "headrace.theme";
const listeners = new Set<() => void>();

/** What the person chose; `public/theme.js` reads the same before the first paint. */
export function readTheme(): Theme {
  const stored = storage.getItem(KEY);
  return stored === "light" || stored === "dark" ? stored : "system";
}

export function chooseTheme(theme: Theme): void {
  if (theme === "system") storage.removeItem(KEY);
  else storage.setItem(KEY, theme);
  applyTheme();
  listeners.forEach((listener) => listener());
}

function applyTheme(): void {
  const theme = readTheme();
  const dark = theme === "dark" || (theme === "system" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
}

/** Follow the system's theme while nothing was chosen, and choices made in other tabs. */
export function watchTheme(): () => void {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const onStorage = (event: StorageEvent) => {
    if (event.key !== KEY) return;
    applyTheme();
    listeners.forEach((listener) => listener());
  };
  system.addEventListener("change", applyTheme);
  window.addEventListener("storage", onStorage);
  return () => {
    system.removeEventListener("change", applyTheme);
    window.removeEventListener("storage", onStorage);
  };
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (notify) => {
      listeners.add(notify);
      return () => listeners.delete(notify);
    },
    readTheme,
    () => "system",
  );
}
