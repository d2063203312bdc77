import { open } from "@/lib/api/client";

export type ExportFormat = "markdown" | "json";

const DEADLINE_MS = 60_000;

/** A conversation as a file: what is shown as Markdown, or all of it as JSON. */
export function exportConversation(id: string, format: ExportFormat): Promise<Response> {
  return open(`/api/conversations/${id}/export?format=${format}`, { headers: { Accept: "*/*" }, deadlineMs: DEADLINE_MS });
}
