/** One thing that can be gone to or done. */
export interface Command {
  id: string;
  group: string;
  label: string;
  /** Other words by which it is looked for. */
  also?: string;
  /** The keys that do the same. */
  keys?: string;
  run: () => void;
}

const MOST = 50;

/** The commands that hold every word that was written, those whose label begins with them first; all without words. */
export function matching(commands: Command[], text: string): Command[] {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return commands.slice(0, MOST);
  const first = words[0]!;
  const found = commands.filter((command) => {
    const hay = `${command.label} ${command.also ?? ""}`.toLocaleLowerCase();
    return words.every((word) => hay.includes(word));
  });
  const begins = (command: Command) => Number(command.label.toLocaleLowerCase().startsWith(first));
  // Groups stay together, in the order in which they came.
  const groups = [...new Set(found.map(({ group }) => group))];
  return groups
    .flatMap((group) => found.filter((command) => command.group === group).sort((a, b) => begins(b) - begins(a)))
    .slice(0, MOST);
}
