import { ApiError, errorFromResponse, networkError, timeoutError } from "./error";
import { createRefresher, withBrowserLock } from "./refresh";
import { strings } from "@/lib/strings";
import { storage } from "@/lib/storage";

const DEADLINE_MS = 15_000;

export interface CallOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** Milliseconds for the whole answer, or for the head of a stream. */
  deadlineMs?: number;
  /** False for the calls that make or end a session: they need none. */
  renew?: boolean;
}

type SignedOutListener = () => void;
const signedOutListeners = new Set<SignedOutListener>();

/** Be told when the session cannot be renewed any more. Returns the way to stop listening. */
export function onSignedOut(listener: SignedOutListener): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

let leaving = false;

/** The person signs out: that what is still on the page is refused now is no surprise, and nobody is told. */
export function beginToLeave(): void {
  leaving = true;
}

const refresh = createRefresher({
  call: async () => (await send("/api/auth/refresh", { method: "POST", body: {} })).status,
  withLock: withBrowserLock,
  storage,
  now: Date.now,
});

/** Call the API and read its JSON (undefined for 204). Throws ApiError for everything that is not a success. */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const response = await open(path, options);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw translate(error, options.signal);
  }
}

/** Call the API and return the successful response itself, for streams. */
export async function open(path: string, options: CallOptions = {}): Promise<Response> {
  const sentAt = Date.now();
  let response = await send(path, options);
  if (options.renew !== false && (await hasExpired(response))) {
    const result = await refresh(sentAt);
    if (result === "unavailable") throw new ApiError("unavailable", strings.errors.server, 503, true);
    if (result === "refreshed") response = await send(path, options);
    if (response.status === 401 && !leaving) signedOutListeners.forEach((listener) => listener());
  }
  if (!response.ok) throw await errorFromResponse(response);
  // Somebody is there again.
  leaving = false;
  return response;
}

/** Whether the session is what was refused, not a password or a code that the request carried. */
async function hasExpired(response: Response): Promise<boolean> {
  if (response.status !== 401) return false;
  const { code } = await errorFromResponse(response.clone());
  // Without a problem in it, the answer is that of something in front of the gateway.
  return code === "unauthenticated" || code === "http_401";
}

async function send(path: string, options: CallOptions): Promise<Response> {
  const { method = "GET", body, headers = {}, signal, deadlineMs = DEADLINE_MS } = options;
  const deadline = startDeadline(deadlineMs, headers["Accept"] === "text/event-stream");
  try {
    return await fetch(path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal,
    });
  } catch (error) {
    throw translate(error, signal);
  } finally {
    deadline.headArrived();
  }
}

/** A deadline for the whole answer; for a stream only until its head, because the body lives on. */
function startDeadline(ms: number, streaming: boolean) {
  if (!streaming) return { signal: AbortSignal.timeout(ms), headArrived: () => undefined };
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException("deadline", "TimeoutError")), ms);
  return { signal: controller.signal, headArrived: () => clearTimeout(timer) };
}

function translate(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return error;
  if (error instanceof ApiError) return error;
  if ((error as Error | null)?.name === "TimeoutError") return timeoutError();
  return networkError();
}
