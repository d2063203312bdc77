import { SseParser, type SseEvent } from "./parser";

/** Thrown when a stream has been silent for longer than its keep-alives allow. */
export class StreamIdleError extends Error {
  override readonly name = "StreamIdleError";
}

/**
 * The events of a response body. Ends when the server ends the stream; throws when the connection
 * breaks or nothing, not even a keep-alive comment, arrives for `idleMs`.
 */
export async function* readEvents(body: ReadableStream<Uint8Array>, idleMs: number): AsyncGenerator<SseEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await withinIdle(reader.read(), idleMs);
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // The connection may already be gone; there is nothing left to close then.
    reader.cancel().catch(() => undefined);
  }
}

function withinIdle<T>(read: Promise<T>, idleMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const idle = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StreamIdleError("the stream went silent")), idleMs);
  });
  return Promise.race([read, idle]).finally(() => clearTimeout(timer));
}
