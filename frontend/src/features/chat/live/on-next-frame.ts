/** Run before the next paint; in a hidden tab, where nothing is painted, soon. Returns the way to call it off. */
export function onNextFrame(work: () => void): () => void {
  if (document.hidden) {
    const timer = setTimeout(work, 200);
    return () => clearTimeout(timer);
  }
  const frame = requestAnimationFrame(work);
  return () => cancelAnimationFrame(frame);
}
