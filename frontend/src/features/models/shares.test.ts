import { describe, expect, it } from "vitest";
import type { Revision } from "@/lib/api/operation-types";
import { byModel, nextRevision, sharesOf, typedSteps } from "./shares";

function revision(name: string, revision: string, changes: Partial<Revision> = {}): Revision {
  return {
    name,
    revision,
    desired: "serving",
    state: "ready",
    detail: null,
    weight: 0,
    replicas: 1,
    digest: "d",
    weights_sha256: null,
    spec: { title: `${name} ${revision}` },
    figures: null,
    queue: null,
    created_at: "2026-11-26T10:00:00Z",
    updated_at: "2026-11-26T10:00:00Z",
    ...changes,
  };
}

describe("revisions by model", () => {
  it("takes the title of the one with most of the traffic, and puts models that are gone last", () => {
    const models = byModel(
      [
        revision("a", "r1", { desired: "retired", state: "retired" }),
        revision("b", "r2", { weight: 10 }),
        revision("b", "r1", { weight: 90 }),
      ],
      [],
    );
    expect(models.map(({ name, title }) => [name, title])).toEqual([
      ["b", "b r1"],
      ["a", "a r1"],
    ]);
  });

  it("says each revision's part of the traffic", () => {
    const shares = sharesOf([revision("a", "r1", { weight: 30 }), revision("a", "r2", { weight: 90 }), revision("a", "r3")]);
    expect(shares.map(({ revision: { revision: name }, part }) => [name, part])).toEqual([
      ["r1", 0.25],
      ["r2", 0.75],
    ]);
    expect(sharesOf([revision("a", "r1")])).toEqual([]);
  });
});

describe("the next revision's name", () => {
  it("counts on, past those that are taken", () => {
    expect(nextRevision("r1", new Set(["r1"]))).toBe("r2");
    expect(nextRevision("r1", new Set(["r1", "r2", "r3"]))).toBe("r4");
    expect(nextRevision("stable", new Set(["stable"]))).toBe("stable.2");
  });
});

describe("typed steps", () => {
  it("reads what rises to 100", () => {
    expect(typedSteps("10, 50, 100")).toEqual([10, 50, 100]);
    expect(typedSteps("5% 100%")).toEqual([5, 100]);
    expect(typedSteps("100")).toEqual([100]);
  });

  it("refuses everything else", () => {
    for (const typed of ["", "10, 50", "50, 10, 100", "10, 10, 100", "0, 100", "a lot, 100", "10.5, 100", "100, 200"]) {
      expect(typedSteps(typed), typed).toBeNull();
    }
  });
});
