import { useSyncExternalStore } from "react";

export interface Toast {
  id: number;
  text: string;
  action: { label: string; run: () => void } | null;
}

/** Only the newest few: each that is pushed out has had its say. */
const MOST = 3;

let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function change(next: readonly Toast[]): void {
  toasts = next;
  listeners.forEach((listener) => listener());
}

/** Say briefly that something was done, and offer to take it back. */
export function showToast(text: string, action: Toast["action"] = null): void {
  lastId += 1;
  change([...toasts, { id: lastId, text, action }].slice(-MOST));
}

export function closeToast(id: number): void {
  change(toasts.filter((toast) => toast.id !== id));
}

const NONE: readonly Toast[] = [];

export function useToasts(): readonly Toast[] {
  return useSyncExternalStore(
    (notify) => {
      listeners.add(notify);
      return () => listeners.delete(notify);
    },
    () => toasts,
    () => NONE,
  );
}
