/** Shapes of second factors, sessions and the audit log. Times are RFC 3339 UTC strings. */
import type { Role } from "./types";

/** The password was right; the token is for the second step alone. */
export interface SecondStep {
  second_factor: { token: string; methods: ("code" | "passkey")[]; expires_in: number };
}

/** An account, as administrators see it. */
export interface Person {
  id: string;
  email: string;
  name: string;
  role: Role;
  active: boolean;
  email_verified: boolean;
  second_factor: boolean;
  open_sessions: number;
  last_seen_at: string | null;
  created_at: string;
  group_id: string | null;
  group_name: string | null;
  /** When the account is erased; null where it stays. */
  delete_at: string | null;
}

/** Tokens of prompts and answers a day and a month (UTC); null for no bound. */
export interface TokenBudget {
  day: number | null;
  month: number | null;
}

/** People who share a budget, and the models that they may ask; null for all of them. */
export interface Group {
  id: string;
  name: string;
  models: string[] | null;
  budget: TokenBudget;
  members: number;
  created_at: string;
}

/** What all members of a group use in a period; `limit` null: without a bound. */
export interface GroupUsage {
  group_id: string;
  period: "day" | "month";
  limit: number | null;
  used: number;
  reserved: number;
}

/** A link that lets one person register. The link itself is known only when it is made. */
export interface Invitation {
  id: string;
  email: string | null;
  role: Role;
  created_at: string;
  expires_at: string;
  used_at: string | null;
}

export interface NewInvitation extends Invitation {
  link: string;
}

/** What a person has besides the password. */
export interface Factors {
  totp_since: string | null;
  recovery_codes_left: number;
  passkeys: number;
}

/** A place where one may have an account to sign in with. */
export interface IdentityProvider {
  id: string;
  title: string;
}

/** An account elsewhere that opens this one. */
export interface LinkedIdentity {
  id: string;
  provider: string;
  email: string | null;
  created_at: string;
  last_used_at: string | null;
}

export interface Passkey {
  id: string;
  name: string;
  /** It can be restored on another device of its owner. */
  backed_up: boolean;
  created_at: string;
  last_used_at: string | null;
}

/** What an authenticator app needs: a picture (an SVG document) or, to be typed, the secret. */
export interface Enrolment {
  secret: string;
  uri: string;
  picture: string;
}

/** A place where a person is signed in. */
export interface Device {
  id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  address: string | null;
  user_agent: string | null;
  second_factor: boolean;
  current: boolean;
}

export interface AuditEvent {
  number: number;
  at: string;
  action: string;
  outcome: "done" | "refused";
  actor: string | null;
  target: string | null;
  address: string | null;
  request_id: string | null;
  detail: Record<string, unknown>;
}

export interface AuditPage {
  items: AuditEvent[];
  next_before: number | null;
}

/** What a check of the audit log found; `fault` null is good news. */
export interface AuditVerdict {
  events: number;
  anchors: number;
  fault: string | null;
  at_number: number | null;
}
