import { call } from "@/lib/api/client";

/** Where the browser has to go to sign in with an account elsewhere. `next`: where in the page to go on. */
export function beginElsewhere({ provider, next }: { provider: string; next: string }): Promise<{ url: string }> {
  return call(`/api/auth/oauth/${provider}/begin`, { method: "POST", body: { next }, renew: false });
}
