import { describe, expect, it } from "vitest";
import { readCameBack } from "./came-back";

describe("readCameBack", () => {
  it("reads a step and its ways", () => {
    const token = "a".repeat(43);
    expect(readCameBack(`#step=${token}.code.passkey`)).toEqual({
      step: { token, methods: ["code", "passkey"] },
      problem: null,
    });
  });

  it("reads the code of a problem, and nothing that could be a sentence", () => {
    expect(readCameBack("#problem=sign_in_refused").problem).toBe("sign_in_refused");
    expect(readCameBack("#problem=call%20this%20number")).toEqual({ step: null, problem: null });
  });

  it.each(["", "#", "#step=short.code", "#step=", "#other"])("finds nothing in %j", (hash) => {
    expect(readCameBack(hash)).toEqual({ step: null, problem: null });
  });
});
