import { describe, expect, it } from "vitest";
import { SendKeys } from "./send-keys";

describe("SendKeys", () => {
  it("keeps the key of a message that is sent again, and no other's", () => {
    const keys = new SendKeys();
    const key = keys.keyFor("cnv_1", { content: "Hi", model: "a" });
    expect(key).toMatch(/^[0-9a-f]{32}$/);
    expect(keys.keyFor("cnv_1", { content: "Hi", model: "a" })).toBe(key);
    expect(keys.keyFor("cnv_2", { content: "Hi", model: "a" })).not.toBe(key);
    expect(keys.keyFor("cnv_1", { content: "Hi", model: "b" })).not.toBe(key);
  });

  it("takes a new key for the same words once the first were answered", () => {
    const keys = new SendKeys();
    const key = keys.keyFor("cnv_1", { content: "Again" });
    keys.done("cnv_1");
    expect(keys.keyFor("cnv_1", { content: "Again" })).not.toBe(key);
  });
});
