import { act, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "@/lib/api/error";
import { insertText } from "@/lib/compose";
import type { Refusal } from "../live/live-turns";
import { Composer } from "./composer";

function setUp(props: Partial<Parameters<typeof Composer>[0]> = {}) {
  const all = {
    draftKey: "usr_1.new",
    placeholder: "Ask anything",
    running: false,
    stopping: false,
    onStop: vi.fn(),
    blocked: null,
    refusal: null,
    onDismissRefusal: vi.fn(),
    onSend: vi.fn(),
    onEditLast: vi.fn(),
    spentUntil: null,
    foot: null,
    ...props,
  };
  const view = render(<Composer {...all} />);
  const box = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
  const change = (more: Partial<typeof all>) => view.rerender(<Composer {...all} {...more} />);
  return { ...all, ...view, box, change };
}

const write = (box: HTMLElement, value: string) => fireEvent.change(box, { target: { value } });
const sendButton = () => screen.getByRole<HTMLButtonElement>("button", { name: "Send" });

afterEach(() => vi.useRealTimers());

describe("Composer", () => {
  it("sends with Enter, breaks the line with Shift+Enter, and leaves Enter to the input method", () => {
    const { box, onSend } = setUp();
    write(box, "  hello ");
    fireEvent.keyDown(box, { key: "Enter", shiftKey: true });
    fireEvent.keyDown(box, { key: "Enter", isComposing: true });
    expect(onSend).not.toHaveBeenCalled();
    fireEvent.keyDown(box, { key: "Enter" });
    expect(onSend).toHaveBeenCalledWith("hello");
    expect(box.value).toBe("");
  });

  it("sends nothing that is empty", () => {
    const { box, onSend } = setUp();
    write(box, "  \n ");
    fireEvent.keyDown(box, { key: "Enter" });
    expect(onSend).not.toHaveBeenCalled();
    expect(sendButton().disabled).toBe(true);
  });

  it("keeps the draft of its chat", () => {
    const { box, unmount } = setUp({ draftKey: "usr_1.cnv_7" });
    write(box, "half a thought");
    unmount();
    expect(setUp({ draftKey: "usr_1.cnv_7" }).box.value).toBe("half a thought");
  });

  it("says why it cannot send", () => {
    const { box, onSend } = setUp({ blocked: "No model is ready yet." });
    write(box, "hello");
    fireEvent.keyDown(box, { key: "Enter" });
    expect(onSend).not.toHaveBeenCalled();
    expect(screen.getByText("No model is ready yet.")).toBeDefined();
  });

  it("offers to stop while an answer runs", () => {
    const { onStop } = setUp({ running: true });
    fireEvent.click(screen.getByRole("button", { name: "Stop answering" }));
    expect(onStop).toHaveBeenCalledTimes(1);
  });

  it("takes a refused message back and counts down to the next try", () => {
    vi.useFakeTimers();
    const { box, change, onSend } = setUp();
    write(box, "precious");
    fireEvent.keyDown(box, { key: "Enter" });
    const refusal: Refusal = {
      content: "precious",
      edits: null,
      error: new ApiError("rate_limited", "Too many messages.", 429, true, 2000),
      retryAt: Date.now() + 2000,
    };
    change({ refusal });

    expect(box.value).toBe("precious");
    expect(screen.getByRole("alert").textContent).toContain("Too many messages.");
    expect(screen.getByText("You can send again in 2 s.")).toBeDefined();
    expect(sendButton().disabled).toBe(true);

    act(() => void vi.advanceTimersByTime(1250));
    expect(screen.getByText("You can send again in 1 s.")).toBeDefined();
    act(() => void vi.advanceTimersByTime(1000));
    expect(sendButton().disabled).toBe(false);
    fireEvent.keyDown(box, { key: "Enter" });
    expect(onSend).toHaveBeenCalledTimes(2);
  });

  it("puts a message that comes back before what was written since", () => {
    const { box, change } = setUp();
    write(box, "newer");
    change({
      refusal: { content: "older", edits: null, error: new ApiError("network", "No connection.", 0, true), retryAt: null },
    });
    expect(box.value).toBe("older\n\nnewer");
  });

  it("lets the last message be edited with Up, only from an empty box and only while nothing runs", () => {
    const { box, onEditLast, change } = setUp();
    fireEvent.keyDown(box, { key: "ArrowUp" });
    expect(onEditLast).toHaveBeenCalledTimes(1);
    write(box, "words");
    fireEvent.keyDown(box, { key: "ArrowUp" });
    write(box, "");
    fireEvent.keyDown(box, { key: "ArrowUp", shiftKey: true });
    change({ running: true });
    fireEvent.keyDown(box, { key: "ArrowUp" });
    expect(onEditLast).toHaveBeenCalledTimes(1);
  });

  it("counts down while the budget is used up, and keeps what was written", () => {
    vi.useFakeTimers();
    const { box, onSend } = setUp({ spentUntil: Date.now() + 3_600_000 + 60_000 });
    write(box, "precious");
    fireEvent.keyDown(box, { key: "Enter" });
    expect(onSend).not.toHaveBeenCalled();
    expect(screen.getByText(/used up.*1 h 1 min/)).toBeDefined();
    expect(box.value).toBe("precious");
    act(() => void vi.advanceTimersByTime(3_661_000));
    fireEvent.keyDown(box, { key: "Enter" });
    expect(onSend).toHaveBeenCalledWith("precious");
  });

  it("leaves alone what came back to the message that it is an edit of", () => {
    const { box, change } = setUp();
    write(box, "mine");
    const error = new ApiError("rate_limited", "Slow down.", 429, true, 5000);
    change({ refusal: { content: "an edit", edits: "msg_1", error, retryAt: Date.now() + 5000 } });
    expect(box.value).toBe("mine");
    expect(screen.queryByRole("alert")).toBeNull();
    expect(sendButton().disabled).toBe(true);
  });

  it("takes text that is put into it below what stands there", () => {
    const { box } = setUp();
    act(() => insertText("Summarise this."));
    expect(box.value).toBe("Summarise this.");
    act(() => insertText("And that."));
    expect(box.value).toBe("Summarise this.\n\nAnd that.");
  });

  describe("while offline", () => {
    function offline() {
      const onLine = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
      const back = () => {
        onLine.mockReturnValue(true);
        act(() => void window.dispatchEvent(new Event("online")));
      };
      const view = setUp();
      write(view.box, "hello");
      fireEvent.keyDown(view.box, { key: "Enter" });
      return { ...view, back };
    }

    it("keeps a message that was sent, and sends it once when the browser is back", () => {
      const { box, onSend, back } = offline();
      expect(onSend).not.toHaveBeenCalled();
      expect(box.value).toBe("hello");
      expect(screen.getByText("Will be sent when you are back online.")).toBeDefined();
      back();
      expect(onSend).toHaveBeenCalledTimes(1);
      expect(onSend).toHaveBeenCalledWith("hello");
      expect(box.value).toBe("");
    });

    it("does not send what was changed after all", () => {
      const { box, onSend, back } = offline();
      write(box, "hello, but");
      back();
      expect(onSend).not.toHaveBeenCalled();
      expect(box.value).toBe("hello, but");
    });
  });
});
