import { describe, expect, it } from "vitest";
import { readSettings, toText } from "./settings-form";

const EMPTY = { temperature: "", top_p: "", max_tokens: "", seed: "", stop: "", form: "text", schema: "" } as const;

describe("readSettings", () => {
  it("leaves out what is empty", () => {
    expect(readSettings(EMPTY, 2048)).toEqual({ parameters: {}, errors: null });
  });

  it("reads what it writes", () => {
    const parameters = { temperature: 0.7, top_p: 0.9, max_tokens: 512, seed: 7, stop: ["END", "\"\"\""] };
    expect(readSettings(toText(parameters), 2048).parameters).toEqual(parameters);
    const format = { type: "json_schema", json_schema: { name: "answer", schema: { type: "object" }, strict: true } } as const;
    for (const response_format of [{ type: "json_object" } as const, format])
      expect(readSettings(toText({ response_format }), 2048).parameters).toEqual({ response_format });
    expect(readSettings({ ...EMPTY, temperature: "0,5" }, 2048).parameters).toEqual({ temperature: 0.5 });
  });

  it.each([
    ["temperature", "2.1"],
    ["temperature", "-1"],
    ["temperature", "warm"],
    ["top_p", "0"],
    ["top_p", "1.5"],
    ["max_tokens", "0"],
    ["max_tokens", "2049"],
    ["max_tokens", "1.5"],
    ["seed", "-1"],
    ["seed", "4294967296"],
    ["stop", "a\nb\nc\nd\ne"],
    ["stop", "x".repeat(201)],
    ["schema", ""],
    ["schema", "{"],
    ["schema", "[]"],
    ["schema", "null"],
  ] as const)("refuses %s of %j", (name, value) => {
    const { parameters, errors } = readSettings({ ...EMPTY, form: name === "schema" ? "json_schema" : "text", [name]: value }, 2048);
    expect(parameters).toBeNull();
    expect(Object.keys(errors ?? {})).toEqual([name]);
  });
});
