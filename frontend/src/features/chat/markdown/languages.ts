import type { LanguageInput } from "shiki/core";

type Loader = () => Promise<{ default: LanguageInput }>;

/** The languages that answers are coloured in, each loaded when it is first met. */
const loaders: Record<string, Loader> = {
  bash: () => import("shiki/langs/bash.mjs") as ReturnType<Loader>,
  c: () => import("shiki/langs/c.mjs") as ReturnType<Loader>,
  cpp: () => import("shiki/langs/cpp.mjs") as ReturnType<Loader>,
  csharp: () => import("shiki/langs/csharp.mjs") as ReturnType<Loader>,
  css: () => import("shiki/langs/css.mjs") as ReturnType<Loader>,
  diff: () => import("shiki/langs/diff.mjs") as ReturnType<Loader>,
  docker: () => import("shiki/langs/docker.mjs") as ReturnType<Loader>,
  go: () => import("shiki/langs/go.mjs") as ReturnType<Loader>,
  html: () => import("shiki/langs/html.mjs") as ReturnType<Loader>,
  ini: () => import("shiki/langs/ini.mjs") as ReturnType<Loader>,
  java: () => import("shiki/langs/java.mjs") as ReturnType<Loader>,
  javascript: () => import("shiki/langs/javascript.mjs") as ReturnType<Loader>,
  json: () => import("shiki/langs/json.mjs") as ReturnType<Loader>,
  jsx: () => import("shiki/langs/jsx.mjs") as ReturnType<Loader>,
  kotlin: () => import("shiki/langs/kotlin.mjs") as ReturnType<Loader>,
  lua: () => import("shiki/langs/lua.mjs") as ReturnType<Loader>,
  make: () => import("shiki/langs/make.mjs") as ReturnType<Loader>,
  markdown: () => import("shiki/langs/markdown.mjs") as ReturnType<Loader>,
  php: () => import("shiki/langs/php.mjs") as ReturnType<Loader>,
  python: () => import("shiki/langs/python.mjs") as ReturnType<Loader>,
  r: () => import("shiki/langs/r.mjs") as ReturnType<Loader>,
  ruby: () => import("shiki/langs/ruby.mjs") as ReturnType<Loader>,
  rust: () => import("shiki/langs/rust.mjs") as ReturnType<Loader>,
  sql: () => import("shiki/langs/sql.mjs") as ReturnType<Loader>,
  swift: () => import("shiki/langs/swift.mjs") as ReturnType<Loader>,
  toml: () => import("shiki/langs/toml.mjs") as ReturnType<Loader>,
  tsx: () => import("shiki/langs/tsx.mjs") as ReturnType<Loader>,
  typescript: () => import("shiki/langs/typescript.mjs") as ReturnType<Loader>,
  xml: () => import("shiki/langs/xml.mjs") as ReturnType<Loader>,
  yaml: () => import("shiki/langs/yaml.mjs") as ReturnType<Loader>,
};

const aliases: Record<string, string> = {
  "c#": "csharp",
  "c++": "cpp",
  cs: "csharp",
  dockerfile: "docker",
  golang: "go",
  js: "javascript",
  kt: "kotlin",
  makefile: "make",
  md: "markdown",
  py: "python",
  python3: "python",
  rb: "ruby",
  rs: "rust",
  sh: "bash",
  shell: "bash",
  shellscript: "bash",
  ts: "typescript",
  yml: "yaml",
  zsh: "bash",
};

/** The name by which a fence's language is known here, or null when it is shown without colours. */
export function knownLanguage(fence: string): string | null {
  const lower = fence.toLowerCase();
  const name = aliases[lower] ?? lower;
  return Object.hasOwn(loaders, name) ? name : null;
}

export async function loadLanguage(name: string): Promise<LanguageInput> {
  const loader = loaders[name];
  if (!loader) throw new RangeError(`no such language: ${name}`);
  return (await loader()).default;
}
