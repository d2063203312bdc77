import { call } from "@/lib/api/client";

export interface PasswordChange {
  current_password: string;
  password: string;
  end_other_sessions: boolean;
}

export function changePassword(change: PasswordChange): Promise<{ ended_sessions: number }> {
  return call("/api/auth/password", { method: "POST", body: change });
}
