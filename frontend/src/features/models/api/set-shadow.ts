import { call } from "@/lib/api/client";
import type { Shadow } from "@/lib/api/operation-types";

/** Without a shadow nobody is asked again. */
export function setShadow(name: string, shadow: Shadow | null): Promise<void> {
  return call<void>(`/api/admin/models/${name}/shadow`, { method: "PUT", body: shadow ?? { revision: null } });
}
