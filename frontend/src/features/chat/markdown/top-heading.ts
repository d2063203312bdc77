const FENCE = /^ {0,3}(```|~~~)/;
const HEADING = /^ {0,3}(#{1,6})[ \t]/;

/** The level of the largest heading of a Markdown text, 1 to 6; 1 when it has none. Code is no heading. */
export function topHeading(text: string): number {
  let top = 7;
  let fence: string | null = null;
  for (const line of text.split("\n")) {
    const mark = FENCE.exec(line)?.[1] ?? null;
    if (mark !== null && (fence === null || fence === mark)) fence = fence === null ? mark : null;
    else if (fence === null) top = Math.min(top, HEADING.exec(line)?.[1]?.length ?? top);
  }
  return top === 7 ? 1 : top;
}
