/** Code of any kind: what is written in it is nothing else. An open fence reaches to the end. */
const CODE = /(^|\n)([ \t]*)(`{3,}|~{3,})[^\n]*(?:\n[\s\S]*?)?(?:\n[ \t]*\3[^\n]*(?=\n|$)|$)|(`+)(?!`)[\s\S]*?[^`]\4(?!`)/g;

/** Backslash brackets, as many models write formulas. */
const DISPLAY = /\\\[([\s\S]+?)\\\]/g;
const INLINE = /\\\(([\s\S]+?)\\\)/g;
/**
 * Single dollars, by the rule that keeps prices prices: something stands right behind the first and right before
 * the last, and no digit follows.
 */
const DOLLARS = /(?<![\\$\w])\$(?![\s$])((?:\\[\s\S]|[^$\\\n])*?[^\s\\$])\$(?![\d$])/g;

/** The text with every formula between double dollars, which is the one form that the parser is told. */
export function withMathMarks(text: string): string {
  if (!/\$|\\[([]/.test(text)) return text;
  let result = "";
  let from = 0;
  for (const code of text.matchAll(CODE)) {
    result += marked(text.slice(from, code.index)) + code[0];
    from = code.index + code[0].length;
  }
  return result + marked(text.slice(from));
}

function marked(text: string): string {
  return text
    .replace(DISPLAY, (_, formula: string) => `\n$$\n${formula.trim()}\n$$\n`)
    .replace(INLINE, (_, formula: string) => `$$${formula.trim()}$$`)
    .replace(DOLLARS, (_, formula: string) => `$$${formula}$$`);
}
