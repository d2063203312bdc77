/**
 * Stands in for rehype-raw, which Streamdown imports whether or not it is used (see next.config.ts).
 * Raw HTML of a model is never parsed here, so neither is its parser shipped.
 */
export default function rehypeRaw(): never {
  throw new Error("raw HTML is not rendered");
}
