import type { HighlighterCore, ThemedToken } from "shiki/core";
import { knownLanguage, loadLanguage } from "./languages";

const THEME = "css-variables";
const MAX_CHARS = 50_000;

let highlighter: Promise<HighlighterCore> | null = null;

/** Coloured tokens by line, their colours being CSS variables; null when this code stays plain. */
export async function highlight(code: string, fence: string): Promise<ThemedToken[][] | null> {
  const language = knownLanguage(fence);
  if (language === null || code.length > MAX_CHARS) return null;
  try {
    const core = await (highlighter ??= create());
    if (!core.getLoadedLanguages().includes(language)) await core.loadLanguage(await loadLanguage(language));
    return core.codeToTokens(code, { lang: language, theme: THEME }).tokens;
  } catch {
    // A piece did not load. Code without colours is still code; the next block tries again.
    highlighter = null;
    return null;
  }
}

async function create(): Promise<HighlighterCore> {
  const [{ createCssVariablesTheme, createHighlighterCore }, { createJavaScriptRegexEngine }] = await Promise.all([
    import("shiki/core"),
    import("shiki/engine/javascript"),
  ]);
  return createHighlighterCore({
    themes: [createCssVariablesTheme({ name: THEME, variablePrefix: "--shiki-" })],
    langs: [],
    engine: createJavaScriptRegexEngine({ forgiving: true }),
  });
}
