import { describe, expect, it } from "vitest";
import { readAnswer, type Progress } from "./read-answer";

const frame = (data: unknown) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const word = (content: string) => frame({ choices: [{ delta: { content } }] });

function streaming(...frames: string[]): Response {
  return new Response(frames.join(""));
}

function clock() {
  let now = 100;
  return () => (now += 10);
}

describe("an answer to be compared", () => {
  it("grows word by word, and says how long it took", async () => {
    const told: Progress[] = [];
    const response = streaming(
      frame({ choices: [{ delta: { role: "assistant", content: "" } }] }),
      word("Hé"),
      word("llo"),
      frame({ choices: [], usage: { completion_tokens: 2 } }),
      frame("[DONE]"),
    );
    const whole = await readAnswer(response, 100, (progress) => told.push(progress), clock());
    expect(told.map(({ text }) => text)).toEqual(["Hé", "Héllo"]);
    expect(whole).toEqual({ text: "Héllo", completionTokens: 2, firstMs: 10, durationMs: 20 });
  });

  it("says what the engine said when it failed", async () => {
    const response = streaming(word("Hé"), frame({ error: { message: "The model stopped.", code: "engine_failed" } }));
    await expect(readAnswer(response, 0, () => undefined)).rejects.toThrow("The model stopped.");
  });

  it("does not take a stream that was cut for a whole answer", async () => {
    await expect(readAnswer(streaming(word("Hé")), 0, () => undefined)).rejects.toThrow(/broke off/);
  });
});
