import { strings } from "@/lib/strings";
import type { Problem } from "./types";

/** What went wrong with a call: always a sentence a person can act on, and whether trying again may help. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly code: string,
    detail: string,
    readonly status: number,
    readonly retry: boolean,
    /** Milliseconds to wait before another try, where the server said so. */
    readonly retryAfterMs: number | null = null,
    readonly fields: Readonly<Record<string, string>> = {},
    readonly requestId: string | null = null,
  ) {
    super(detail);
  }
}

export function networkError(): ApiError {
  return new ApiError("network", strings.errors.network, 0, true);
}

export function timeoutError(): ApiError {
  return new ApiError("timeout", strings.errors.timeout, 0, true);
}

/** Turn an unsuccessful response into an ApiError, whether or not its body is a problem document. */
export async function errorFromResponse(response: Response): Promise<ApiError> {
  const problem = await readProblem(response);
  const requestId = problem?.request_id ?? response.headers.get("x-request-id");
  return new ApiError(
    problem?.code ?? `http_${response.status}`,
    problem?.detail ?? sentenceFor(response.status),
    response.status,
    problem?.retry ?? (response.status === 429 || response.status >= 500),
    parseRetryAfter(response.headers.get("retry-after"), Date.now()),
    Object.fromEntries((problem?.errors ?? []).map(({ field, message }) => [field, message])),
    requestId,
  );
}

/** `Retry-After` as seconds or an HTTP date, in milliseconds from now; null when absent or unreadable. */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null || value.trim() === "") return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** Whatever was thrown, as an ApiError: a screen never has to show a stack. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError("unexpected", strings.errors.unexpected, 0, true);
}

async function readProblem(response: Response): Promise<Problem | null> {
  if (!response.headers.get("content-type")?.includes("json")) return null;
  try {
    const body: unknown = await response.json();
    return isProblem(body) ? body : null;
  } catch {
    // A cut or malformed body: the status still says what happened.
    return null;
  }
}

function isProblem(body: unknown): body is Problem {
  return (
    typeof body === "object" &&
    body !== null &&
    typeof (body as Problem).detail === "string" &&
    typeof (body as Problem).code === "string"
  );
}

function sentenceFor(status: number): string {
  if (status === 404) return strings.errors.notFound;
  if (status === 403) return strings.errors.forbidden;
  if (status === 413) return strings.errors.tooLarge;
  if (status === 429) return strings.errors.rateLimited;
  if (status >= 500) return strings.errors.server;
  return strings.errors.unexpected;
}
