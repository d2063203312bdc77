/** One event of a `text/event-stream`. `id` is the last id seen, as the standard has it. */
export interface SseEvent {
  id: string;
  event: string;
  data: string;
}

/**
 * Incremental parser of the event stream format (WHATWG HTML, section 9.2.6).
 *
 * `push` takes text as it arrives, cut anywhere, and returns the events that are complete. An
 * event cut off by the end of the stream is never returned. Comments and `retry:` are dropped.
 */
export class SseParser {
  private buffer = "";
  private started = false;
  private lastId = "";
  private event = "";
  private data: string[] = [];

  push(text: string): SseEvent[] {
    if (!this.started && text !== "") {
      this.started = true;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    this.buffer += text;
    const events: SseEvent[] = [];
    let from = 0;
    for (;;) {
      const end = nextLineEnd(this.buffer, from);
      if (end === null) break;
      const complete = this.line(this.buffer.slice(from, end.at));
      if (complete) events.push(complete);
      from = end.next;
    }
    this.buffer = this.buffer.slice(from);
    return events;
  }

  private line(line: string): SseEvent | null {
    if (line === "") return this.dispatch();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) this.lastId = value;
    return null;
  }

  private dispatch(): SseEvent | null {
    const complete =
      this.data.length === 0
        ? null
        : { id: this.lastId, event: this.event || "message", data: this.data.join("\n") };
    this.data = [];
    this.event = "";
    return complete;
  }
}

/** The next LF, CR or CRLF. A CR at the very end waits: its LF may come with the next piece. */
function nextLineEnd(text: string, from: number): { at: number; next: number } | null {
  for (let index = from; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 10) return { at: index, next: index + 1 };
    if (code === 13) {
      if (index + 1 === text.length) return null;
      return { at: index, next: text.charCodeAt(index + 1) === 10 ? index + 2 : index + 1 };
    }
  }
  return null;
}
