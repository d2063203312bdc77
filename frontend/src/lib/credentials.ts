import { strings } from "@/lib/strings";

export const PASSWORD_MIN = 15;
/** Beside a second factor. */
export const PASSWORD_MIN_WITH_FACTOR = 8;
export const PASSWORD_MAX = 128;

export type FieldErrors = Partial<Record<"email" | "password" | "name", string | undefined>>;

export function checkPresent(label: string, value: string): string | undefined {
  return value.trim() === "" ? strings.entry.required(label) : undefined;
}

/** Only what cannot be an address is refused here; the server has the last word. */
export function checkEmail(value: string): string | undefined {
  const missing = checkPresent(strings.entry.email, value);
  if (missing) return missing;
  return /^[^\s@]+@[^\s@]+$/.test(value) ? undefined : strings.entry.emailInvalid;
}

export function checkNewPassword(value: string, least = PASSWORD_MIN): string | undefined {
  if (value === "") return strings.entry.required(strings.entry.password);
  const length = [...value].length;
  return length < least ? strings.entry.passwordTooShort(least - length) : undefined;
}
