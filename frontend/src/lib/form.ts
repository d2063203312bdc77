/** The text of a form's field; empty when there is none (or when it is a file, which is no text). */
export function formText(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === "string" ? value : "";
}
