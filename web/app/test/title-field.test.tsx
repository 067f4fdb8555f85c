// A title is queued a moment after the last key, with the version on which it was typed.
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TitleField } from "../src/editor/TitleField.tsx";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function field(): HTMLInputElement {
  return screen.getByRole("textbox", { name: "Title" });
}

test("another's version that came in meanwhile does not count as seen, one's own does", async () => {
  const onRename = vi.fn(() => Promise.resolve());
  const shown = (title: string, version: number) => (
    <TitleField title={title} version={version} onRename={onRename} onTyping={() => undefined} />
  );
  const page = render(shown("Untitled", 1));
  fireEvent.change(field(), { target: { value: "Log" } });
  page.rerender(shown("Theirs", 2));
  await act(() => vi.advanceTimersByTimeAsync(1000));
  expect(onRename.mock.calls).toEqual([["Log", 1]]);
  page.rerender(shown("Log", 3));
  fireEvent.change(field(), { target: { value: "Logbook" } });
  await act(() => vi.advanceTimersByTimeAsync(1000));
  expect(onRename.mock.calls.at(-1)).toEqual(["Logbook", 3]);
});

test("a title that could not be saved stays when the field is left, is told, and is tried again by itself", async () => {
  const onRename = vi.fn(() => Promise.resolve()).mockRejectedValueOnce(new Error("no room"));
  const page = render(<TitleField title="Log" version={1} onRename={onRename} onTyping={() => undefined} />);
  fireEvent.change(field(), { target: { value: "Logbook " } });
  fireEvent.blur(field());
  await act(() => vi.advanceTimersByTimeAsync(100));
  expect(screen.getByRole("alert").textContent).toBe("no room");
  expect(field().value).toBe("Logbook");
  await act(() => vi.advanceTimersByTimeAsync(4000));
  expect(screen.queryByRole("alert")).toBeNull();
  expect(onRename.mock.calls).toEqual([["Logbook", 1], ["Logbook", 1]]);
  page.rerender(<TitleField title="Logbook, by others" version={2} onRename={onRename} onTyping={() => undefined} />);
  expect(field().value).toBe("Logbook, by others");
});

test("an empty title is none: the field shows the document's again when it is left", async () => {
  const onRename = vi.fn(() => Promise.resolve());
  render(<TitleField title="Log" version={1} onRename={onRename} onTyping={() => undefined} />);
  fireEvent.change(field(), { target: { value: "  " } });
  await act(() => vi.advanceTimersByTimeAsync(1000));
  fireEvent.blur(field());
  expect(field().value).toBe("Log");
  expect(onRename).not.toHaveBeenCalled();
});
