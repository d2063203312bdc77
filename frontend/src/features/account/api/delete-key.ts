import { call } from "@/lib/api/client";

export function deleteKey(id: string): Promise<void> {
  return call<void>(`/api/keys/${id}`, { method: "DELETE" });
}
