type Listener = (text: string) => void;

let composer: Listener | null = null;
let waiting: string | null = null;

/** Put text into the composer; one that is not there yet takes it when it appears. */
export function insertText(text: string): void {
  if (composer) composer(text);
  else waiting = text;
}

/** Be the composer that takes inserted text. Returns the way to stop being it. */
export function takeInserts(listener: Listener): () => void {
  composer = listener;
  if (waiting !== null) {
    listener(waiting);
    waiting = null;
  }
  return () => {
    if (composer === listener) composer = null;
  };
}
