/** A value with names or parts in it; a lone bracket may as well begin a link or a remark. */
const OPENING = /^\s*(\{\s*["}]|\[\s*[{["])/;

/** Whether a whole answer is JSON, or the beginning of it that it is while it grows. */
export function isJsonText(text: string): boolean {
  return OPENING.test(text) && !goesOnAfterItsEnd(text);
}

/** Whether more than white space follows the bracket that closes the first one. */
function goesOnAfterItsEnd(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char === "\\") at += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") {
      depth -= 1;
      if (depth === 0) return text.slice(at + 1).trim() !== "";
    }
  }
  return false;
}
