import { call } from "@/lib/api/client";

export function stopTurn(turnId: string): Promise<{ status: string }> {
  return call(`/api/turns/${turnId}/stop`, { method: "POST", body: {} });
}
