import { fireEvent, render, screen } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { ApiError } from "@/lib/api/error";
import { strings } from "@/lib/strings";
import { Problem } from "./problem";

describe("Problem", () => {
  it("says what happened and offers to try again where that may help", () => {
    const onRetry = vi.fn();
    render(<Problem error={new ApiError("unavailable", "The list is out of reach.", 503, true)} onRetry={onRetry} />);
    expect(screen.getByRole("alert").textContent).toContain("The list is out of reach.");
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(onRetry).toHaveBeenCalledTimes(1);
  });

  it("offers nothing where trying again cannot help", () => {
    render(<Problem error={new ApiError("forbidden", "Not yours.", 403, false)} onRetry={() => undefined} />);
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("shows a sentence, not a stack, for a fault of the page", () => {
    render(<Problem error={new TypeError("x is undefined")} />);
    expect(screen.getByRole("alert").textContent).toBe(strings.errors.unexpected);
  });
});
