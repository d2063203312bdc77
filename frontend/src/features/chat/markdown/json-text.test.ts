import { describe, expect, it } from "vitest";
import { isJsonText } from "./json-text";

describe("isJsonText", () => {
  it.each(['{"a": [1, {"b": "}"}]}', ' {"a": "\\"}"}\n', "{}", '[{"a": 1}]', '["a", "b"]', "[[1], [2]]"])(
    "knows %s, and every beginning of it that says so",
    (text) => {
      expect(isJsonText(text)).toBe(true);
      for (let cut = text.search(/\S/) + 2; cut < text.length; cut += 1) expect(isJsonText(text.slice(0, cut))).toBe(true);
    },
  );

  it.each(["", "Paris", "{name} is a place", "[x](https://example.org)", "[1] A note", '{"a": 1} is JSON', "```json\n{}\n```"])(
    "leaves %s to be read as text",
    (text) => expect(isJsonText(text)).toBe(false),
  );
});
