"use client";

import { createContext, use } from "react";
import type { User } from "./api/types";

const SessionContext = createContext<User | null>(null);

export const SessionProvider = SessionContext.Provider;

/** The person who is signed in. Only inside the signed-in part of the page. */
export function useUser(): User {
  const user = use(SessionContext);
  if (user === null) throw new Error("useUser outside of SessionProvider");
  return user;
}
