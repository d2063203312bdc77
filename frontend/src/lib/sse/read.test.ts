import { describe, expect, it } from "vitest";
import { readEvents, StreamIdleError } from "./read";

function bodyOf(chunks: Uint8Array[], end: "close" | "break" | "hang" = "close") {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      chunks.forEach((chunk) => controller.enqueue(chunk));
      if (end === "close") controller.close();
      if (end === "break") setTimeout(() => controller.error(new TypeError("network")), 0);
    },
  });
}

async function collect(body: ReadableStream<Uint8Array>, idleMs = 1000) {
  const texts: string[] = [];
  for await (const event of readEvents(body, idleMs)) texts.push(event.data);
  return texts;
}

describe("readEvents", () => {
  it("decodes a character that is cut between two chunks", async () => {
    const bytes = new TextEncoder().encode("data: größer 水\n\n");
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(await collect(bodyOf([bytes.slice(0, cut), bytes.slice(cut)]))).toEqual(["größer 水"]);
    }
  });

  it("throws when the connection breaks", async () => {
    await expect(collect(bodyOf([], "break"))).rejects.toThrow("network");
  });

  it("throws when not even a keep-alive comes", async () => {
    await expect(collect(bodyOf([new TextEncoder().encode("data: x\n\n")], "hang"), 20)).rejects.toThrow(
      StreamIdleError,
    );
  });
});
