import { render } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { Fragments } from "./fragments";

describe("Fragments", () => {
  it("marks what matched and shows markup as the text it is", () => {
    const fragments = [
      { text: "see <img src=x onerror=alert(1)> the ", match: false },
      { text: "<b>weir</b>", match: true },
    ];
    const { container } = render(<Fragments fragments={fragments} />);
    expect(container.textContent).toBe("see <img src=x onerror=alert(1)> the <b>weir</b>");
    expect(container.querySelector("img, b")).toBeNull();
    expect(container.querySelector("mark")?.textContent).toBe("<b>weir</b>");
  });
});
