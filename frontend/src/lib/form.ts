/** The text of a form's field; empty when there is none (or when it is a file, which is no text). */
export function formText(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === "string" ? value : "";
}

/** A whole number as somebody types it; null for nothing, undefined for what is no such number. */
export function typedNumber(typed: string): number | null | undefined {
  const digits = typed.replaceAll(/[\s,._]/g, "");
  if (digits === "") return null;
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}
