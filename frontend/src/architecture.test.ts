import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const src = import.meta.dirname;
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(ts|tsx)$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(src, name), "utf8") }));
const shipped = files.filter(({ name }) => !/(\.test\.tsx?|test-stream\.ts)$/.test(name));

/** The files of ours that a file imports, as paths from src. */
function importsOf({ name, text }: { name: string; text: string }): string[] {
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, specifier]) => specifier!);
  return specifiers.flatMap((specifier) => {
    if (specifier.startsWith("@/")) return [specifier.slice(2)];
    if (specifier.startsWith(".")) return [relative(src, join(src, dirname(name), specifier))];
    return [];
  });
}

const featureOf = (path: string) => /^features\/([^/]+)/.exec(path)?.[1] ?? null;
const layerOf = (path: string) => path.split("/")[0]!;

describe("the layout of the page", () => {
  it("has files to look at", () => {
    expect(shipped.length).toBeGreaterThan(50);
    expect(shipped.flatMap(importsOf).length).toBeGreaterThan(150);
  });

  it("keeps features apart from each other", () => {
    const crossing = files.flatMap((file) => {
      const own = featureOf(file.name);
      return importsOf(file)
        .filter((target) => own !== null && featureOf(target) !== null && featureOf(target) !== own)
        .map((target) => `${file.name} -> ${target}`);
    });
    expect(crossing).toEqual([]);
  });

  it("lets imports go one way: app, features, components, lib", () => {
    const order = ["app", "features", "components", "lib"];
    const upward = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => order.indexOf(layerOf(target)) < order.indexOf(layerOf(file.name)))
        .map((target) => `${file.name} -> ${target}`),
    );
    expect(upward).toEqual([]);
  });

  it("names every colour in tokens.css and nowhere else", () => {
    const literal = /#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|oklch|lab)\(/i;
    const coloured = shipped.filter(({ text }) => literal.test(text)).map(({ name }) => name);
    expect(coloured).toEqual([]);
    for (const sheet of ["app/globals.css", "app/prose.css"]) {
      expect(readFileSync(join(src, sheet), "utf8")).not.toMatch(literal);
    }
  });

  it("makes no markup of text and keeps no token", () => {
    for (const { name, text } of shipped) {
      expect(text, name).not.toMatch(/dangerouslySetInnerHTML|\.innerHTML|\beval\(|new Function\(/);
      if (name !== "lib/storage.ts") expect(text, name).not.toMatch(/localStorage|sessionStorage|document\.cookie/);
    }
  });

  it("calls one endpoint from each file of an api folder, and none from elsewhere in a feature", () => {
    for (const { name, text } of shipped.filter(({ name }) => featureOf(name) !== null)) {
      const calls = text.match(/\b(?:call|open)(?:<[^(]*>)?\(\s*[`"]\/api\//g) ?? [];
      if (/\/api\/[^/]+$/.test(name)) expect(calls, name).toHaveLength(1);
      else expect(calls, name).toHaveLength(0);
    }
  });

  it("keeps files short enough to read", () => {
    const long = files.filter(({ text }) => text.split("\n").length > 300).map(({ name }) => name);
    expect(long).toEqual([]);
  });
});
