import { frame } from "./strings/frame";
import { identity } from "./strings/identity";
import { panels } from "./strings/panels";
import { talk } from "./strings/talk";

/** Every sentence of the page, in one place. Functions take the values that vary. */
export const strings = {
  product: "Headrace",
  tagline: "Chat with the models your team runs.",
  ...frame,
  ...talk,
  ...panels,
  identity,
} as const;
