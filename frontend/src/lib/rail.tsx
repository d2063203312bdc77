"use client";

import { createContext, use } from "react";

export interface Rail {
  /** Whether the chat list stands beside the page (wide windows only). */
  open: boolean;
  /** Show or hide it: the rail in a wide window, the drawer in a narrow one. */
  toggle: () => void;
}

const RailContext = createContext<Rail>({ open: true, toggle: () => undefined });

export const RailProvider = RailContext.Provider;

export function useRail(): Rail {
  return use(RailContext);
}
