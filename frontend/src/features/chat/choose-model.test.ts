import { describe, expect, it } from "vitest";
import type { Model, ModelState } from "@/lib/api/types";
import { chooseModel, notReadyReason } from "./choose-model";

const model = (name: string, state: ModelState = "ready", detail: string | null = null) =>
  ({ name, title: name.toUpperCase(), state, detail }) as Model;
const models = [model("broken", "failed", "No key"), model("waking", "warming", "40 s so far"), model("a"), model("b")];

describe("chooseModel", () => {
  it("prefers what was picked, then the conversation's, then the habit, then one that is ready", () => {
    expect(chooseModel(models, "b", "a", "a")?.name).toBe("b");
    expect(chooseModel(models, null, "b", "a")?.name).toBe("b");
    expect(chooseModel(models, null, null, "b")?.name).toBe("b");
    expect(chooseModel(models, null, null, null)?.name).toBe("a");
  });

  it("waits for the conversation's own model, but not for a habit", () => {
    expect(chooseModel(models, null, "waking", null)?.name).toBe("waking");
    expect(chooseModel(models, null, null, "waking")?.name).toBe("a");
  });

  it("falls back when a model is gone, and to nothing when there is none", () => {
    expect(chooseModel(models, "gone", "gone", "gone")?.name).toBe("a");
    expect(chooseModel(models.slice(0, 2), null, null, null)?.name).toBe("waking");
    expect(chooseModel([], null, null, null)).toBeNull();
  });
});

describe("notReadyReason", () => {
  it("is a sentence with the reason, and nothing for a model that is ready", () => {
    expect(notReadyReason(model("a"))).toBeNull();
    expect(notReadyReason(models[0]!)).toBe("BROKEN is not ready yet. Not available: No key.");
    // Its stages stand above the composer.
    expect(notReadyReason(models[1]!)).toBe("You can write meanwhile.");
    expect(notReadyReason(null)).toBe("No model is ready yet.");
  });
});
