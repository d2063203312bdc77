import { exportConversation, type ExportFormat } from "./api/export";

/** Fetch a conversation as a file and hand it to the browser to save. Throws ApiError when it does not come. */
export async function saveExport(id: string, format: ExportFormat): Promise<void> {
  const response = await exportConversation(id, format);
  const name = fileName(response.headers.get("content-disposition")) ?? `chat.${format === "json" ? "json" : "md"}`;
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken hold of it by the next turn of its loop.
  setTimeout(() => URL.revokeObjectURL(address), 0);
}

/** The name in a Content-Disposition header (RFC 6266), the encoded one first; null when there is none. */
export function fileName(disposition: string | null): string | null {
  if (disposition === null) return null;
  const encoded = /filename\*\s*=\s*utf-8''([^;]+)/i.exec(disposition)?.[1];
  if (encoded !== undefined) {
    try {
      return decodeURIComponent(encoded.trim());
    } catch {
      // Not what it claims to be: the plain name is there for that.
      return plainName(disposition);
    }
  }
  return plainName(disposition);
}

function plainName(disposition: string): string | null {
  return /filename\s*=\s*"([^"]+)"/i.exec(disposition)?.[1] ?? /filename\s*=\s*([^;\s]+)/i.exec(disposition)?.[1] ?? null;
}
