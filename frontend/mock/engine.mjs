/** What the fake model says, by the markers in the message; the simulated engine of the real stack knows the same. */

const WORDS =
  "Water moves because something above it lets go. A headrace keeps that fall in one channel, so that the turbine gets all of it and the banks get none.".split(
    " ",
  );

const TOUR = `Here is the short version, then the detail.

## How the channel is built

1. **Intake.** Water enters through a screen that keeps branches out.
2. **Headrace.** A gentle slope holds the level, about *1 m per km*.
3. **Forebay.** A small pool settles the sand before the drop.

| Part | Length | Slope | Loss |
| --- | --- | --- | --- |
| Headrace | 1,200 m | 0.1% | 1.2 m |
| Penstock | 85 m | 62% | 0.9 m |
| Tailrace | 140 m | 0.3% | 0.4 m |

The power that is left follows from the head and the flow:

\`\`\`python
def power(head_m: float, flow: float, efficiency: float = 0.82) -> float:
    """Watts at the shaft, for a head in metres and a flow in cubic metres a second."""
    density, gravity = 1000, 9.81
    return density * gravity * head_m * flow * efficiency


print(f"{power(head_m=42, flow=0.6) / 1000:.0f} kW")
\`\`\`

- With \`head_m=42\` it prints **203 kW**.
- Doubling the flow doubles the power; widening the channel is often cheaper than raising the dam.

> Measure the head twice. Everything else follows from it.`;

/** @returns {{ pieces: string[], delayMs: number, failAfter: number | null, finish: "stop" | "length" }} */
export function answerTo(content) {
  const delayMs = content.includes("[[slow]]") ? 100 : 12;
  const failAfter = content.includes("[[fail]]") ? 12 : null;
  const echo = content.indexOf("[[echo]]");
  let text;
  let finish = "stop";
  if (echo !== -1) text = content.slice(echo + "[[echo]]".length).replace(/^ /, "");
  else if (content.includes("[[long]]")) {
    text = Array.from({ length: 400 }, (_, index) => WORDS[index % WORDS.length]).join(" ");
    finish = "length";
  } else if (/headrace|channel/i.test(content)) text = TOUR;
  else text = `You asked: ${content.replace(/\[\[\w+\]\]/g, "").trim()}\n\n${WORDS.join(" ")}`;
  return { pieces: text.match(/\s*\S+\s*?|\s+/g) ?? [], delayMs, failAfter, finish };
}

export function titleFor(content) {
  const [clause = ""] = content.replace(/\[\[\w+\]\]/g, "").trim().split(/[,.;:?!]/);
  const words = clause.split(/\s+/).slice(0, 6).join(" ");
  return words.charAt(0).toUpperCase() + words.slice(1) || "A short chat";
}
