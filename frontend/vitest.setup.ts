import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

// What jsdom does not have and the page's components expect of a browser.
const matchMedia = (query: string) =>
  ({
    matches: false,
    media: query,
    onchange: null,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined,
    removeListener: () => undefined,
    dispatchEvent: () => true,
  }) satisfies MediaQueryList;
Object.defineProperty(window, "matchMedia", { value: matchMedia, configurable: true });

afterEach(() => {
  cleanup();
  window.localStorage.clear();
});
