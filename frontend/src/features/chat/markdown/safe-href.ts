const ALLOWED = new Set(["http:", "https:", "mailto:"]);

/**
 * A link out of a model's answer, or null when it must not be followed. Only absolute http, https
 * and mailto addresses: a relative one would act on this page in the reader's name.
 */
export function safeHref(href: string | undefined): string | null {
  if (href === undefined) return null;
  try {
    const url = new URL(href);
    return ALLOWED.has(url.protocol) && url.username === "" && url.password === "" ? url.href : null;
  } catch {
    return null;
  }
}
