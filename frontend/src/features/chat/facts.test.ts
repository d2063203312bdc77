import { describe, expect, it } from "vitest";
import type { Message } from "@/lib/api/types";
import { answerFacts } from "./facts";

const message = (fields: Partial<Message>) =>
  ({ status: "complete", finish_reason: "stop", ttft_ms: 200, duration_ms: 1200, completion_tokens: 51, ...fields }) as Message;

describe("answerFacts", () => {
  it("counts speed from the first token on", () => {
    expect(answerFacts(message({})).tokensPerSecond).toBe(50);
  });

  it.each([{ ttft_ms: null }, { duration_ms: null }, { completion_tokens: null }, { completion_tokens: 1 }, { duration_ms: 200 }])(
    "knows no speed from %j",
    (fields) => {
      expect(answerFacts(message(fields)).tokensPerSecond).toBeNull();
    },
  );

  it("says why it ended", () => {
    expect(answerFacts(message({})).ended).toBe("stop");
    expect(answerFacts(message({ status: "stopped", finish_reason: null })).ended).toBe("stopped");
  });
});
