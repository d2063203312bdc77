import { call } from "@/lib/api/client";

export function setFallback(name: string, fallback: string | null): Promise<void> {
  return call<void>(`/api/admin/models/${name}/fallback`, { method: "PUT", body: { fallback } });
}
