/** What the fake model says, by the markers in the message; the simulated engine of the real stack knows the same. */

const WORDS =
  "Water moves because something above it lets go. A headrace keeps that fall in one channel, so that the turbine gets all of it and the banks get none.".split(
    " ",
  );

const TOUR = `A headrace carries water along the hillside with almost no fall, so that all the height is left for the end:

| Part | Length | Slope | Loss |
| --- | --- | --- | --- |
| Headrace | 1,200 m | 0.1% | 1.2 m |
| Penstock | 85 m | 62% | 0.9 m |
| Tailrace | 140 m | 0.3% | 0.4 m |

What reaches the shaft follows from the **head** and the **flow**:

\`\`\`python
def power(head: float, flow: float, efficiency: float = 0.82) -> float:
    """Watts, from metres and cubic metres a second."""
    return 1000 * 9.81 * head * flow * efficiency

print(f"{power(head=42, flow=0.6) / 1000:.0f} kW")
\`\`\`

- With \`head=42\` that is **203 kW**, enough for about 150 homes.
- Doubling the flow doubles it; widening the channel is often the cheaper way.`;

/** @returns {{ pieces: string[], delayMs: number, failAfter: number | null, dieAfter: number | null, place: number, finish: "stop" | "length" }} */
export function answerTo(content) {
  const delayMs = content.includes("[[slow]]") ? 100 : 12;
  const failAfter = content.includes("[[fail]]") ? 12 : null;
  // The engine is lost in mid-answer, and another goes on from where it was.
  const dieAfter = content.includes("[[die]]") ? 8 : null;
  // Others are before this turn: it waits, two of them, then one.
  const place = content.includes("[[queue]]") ? 2 : 0;
  const echo = content.indexOf("[[echo]]");
  let text;
  let finish = "stop";
  if (echo !== -1) text = content.slice(echo + "[[echo]]".length).replace(/^ /, "");
  else if (content.includes("[[long]]")) {
    text = Array.from({ length: 400 }, (_, index) => WORDS[index % WORDS.length]).join(" ");
    finish = "length";
  } else if (/headrace|channel/i.test(content)) text = TOUR;
  else text = `You asked: ${content.replace(/\[\[\w+\]\]/g, "").trim()}\n\n${WORDS.join(" ")}`;
  return { pieces: text.match(/\s*\S+\s*?|\s+/g) ?? [], delayMs, failAfter, dieAfter, place, finish };
}

export function titleFor(content) {
  const [clause = ""] = content.replace(/\[\[\w+\]\]/g, "").trim().split(/[,.;:?!]/);
  const words = clause.split(/\s+/).slice(0, 6).join(" ");
  return words.charAt(0).toUpperCase() + words.slice(1) || "A short chat";
}
