import { describe, expect, it } from "vitest";
import { SseParser } from "./parser";

const whole = 'id: 1\nevent: delta\ndata: {"text":"a"}\n\nid: 2\nevent: delta\ndata: {"text":"b"}\n\n';
const expected = [
  { id: "1", event: "delta", data: '{"text":"a"}' },
  { id: "2", event: "delta", data: '{"text":"b"}' },
];

describe("SseParser", () => {
  it("finds the events of a whole stream", () => {
    expect(new SseParser().push(whole)).toEqual(expected);
  });

  it("finds the same events wherever the stream is cut", () => {
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const parser = new SseParser();
      expect([...parser.push(whole.slice(0, cut)), ...parser.push(whole.slice(cut))]).toEqual(expected);
    }
  });

  it("takes LF, CR and CRLF as line ends, also when a CRLF is cut in two", () => {
    for (const end of ["\n", "\r", "\r\n"]) {
      const text = whole.replaceAll("\n", end);
      const parser = new SseParser();
      const events = [...text].flatMap((character) => parser.push(character));
      // A lone CR at the very end may yet be half of a CRLF: the next piece settles it.
      expect([...events, ...parser.push(": keep-alive\n")]).toEqual(expected);
    }
  });

  it("joins several data lines with line feeds and keeps their inner spaces", () => {
    expect(new SseParser().push("data: one\ndata:  two\ndata:\ndata:three\n\n")).toEqual([
      { id: "", event: "message", data: "one\n two\n\nthree" },
    ]);
  });

  it("drops comments, retry lines and unknown fields", () => {
    expect(new SseParser().push(": keep-alive\n\nretry: 5\nfoo: bar\ndata: x\n\n")).toEqual([
      { id: "", event: "message", data: "x" },
    ]);
  });

  it("drops an event without data, but remembers its id", () => {
    expect(new SseParser().push("id: 7\nevent: empty\n\ndata: x\n\n")).toEqual([
      { id: "7", event: "message", data: "x" },
    ]);
  });

  it("never returns an event that was not finished", () => {
    expect(new SseParser().push("id: 1\ndata: cut off")).toEqual([]);
    expect(new SseParser().push("id: 1\ndata: cut off\n")).toEqual([]);
  });

  it("ignores a byte order mark at the start only", () => {
    expect(new SseParser().push("\uFEFFdata: x\n\n")).toEqual([{ id: "", event: "message", data: "x" }]);
    const parser = new SseParser();
    parser.push("data: x\n\n");
    expect(parser.push("\uFEFFdata: y\n\n")).toEqual([]);
  });
});
