import { call } from "@/lib/api/client";

/** Where the browser has to go to add an account elsewhere as a way in. */
export function linkElsewhere(provider: string): Promise<{ url: string }> {
  return call(`/api/auth/oauth/${provider}/link`, { method: "POST", body: { next: "/account/security" } });
}
