// A plain text is queued as a whole a moment after the last key, and is told anew a moment after that.
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PlainTextEditor } from "../src/editor/PlainTextEditor.tsx";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const nothing = (): void => undefined;

function field(): HTMLTextAreaElement {
  return screen.getByRole("textbox", { name: "Text" });
}

test("what was typed stays until it is told, is said to be unsaved until it is queued, and gives way to what others write", async () => {
  const queued: string[] = [];
  const typing: boolean[] = [];
  const onEdit = (text: string): Promise<void> => Promise.resolve(void queued.push(text));
  const onTyping = (isTyping: boolean): void => void typing.push(isTyping);
  const shown = (content: string) => (
    <PlainTextEditor version={1} content={content} onEdit={onEdit} onTyping={onTyping} onProblem={nothing} />
  );
  const page = render(shown("one"));
  fireEvent.change(field(), { target: { value: "one two" } });
  expect(typing.at(-1)).toBe(true);
  await act(() => vi.advanceTimersByTimeAsync(1000));
  expect(queued).toEqual(["one two"]);
  expect(typing.at(-1)).toBe(false);
  expect(field().value).toBe("one two");

  page.rerender(shown("one two"));
  expect(field().value).toBe("one two");
  page.rerender(shown("one two, and more by others"));
  expect(field().value).toBe("one two, and more by others");
});

test("what is typed while the former text is on its way is kept", async () => {
  const shown = (content: string) => (
    <PlainTextEditor version={1} content={content} onEdit={() => Promise.resolve()} onTyping={nothing} onProblem={nothing} />
  );
  const page = render(shown(""));
  fireEvent.change(field(), { target: { value: "a" } });
  await act(() => vi.advanceTimersByTimeAsync(1000));
  fireEvent.change(field(), { target: { value: "ab" } });
  page.rerender(shown("a"));
  expect(field().value).toBe("ab");
});

test("what was typed last is queued when the view is left, once", async () => {
  const onEdit = vi.fn(() => Promise.resolve());
  const page = render(<PlainTextEditor version={1} content="" onEdit={onEdit} onTyping={nothing} onProblem={nothing} />);
  fireEvent.change(field(), { target: { value: "a" } });
  page.unmount();
  await vi.advanceTimersByTimeAsync(1000);
  expect(onEdit.mock.calls).toEqual([["a", 1]]);
});

test("a version that came in while something was typed does not count as seen", async () => {
  const onEdit = vi.fn(() => Promise.resolve());
  const shown = (content: string, version: number) => (
    <PlainTextEditor content={content} version={version} onEdit={onEdit} onTyping={nothing} onProblem={nothing} />
  );
  const page = render(shown("one", 1));
  fireEvent.change(field(), { target: { value: "one, mine" } });
  page.rerender(shown("one, theirs", 2));
  await act(() => vi.advanceTimersByTimeAsync(1000));
  expect(onEdit.mock.calls).toEqual([["one, mine", 1]]);
});

test("what could not be saved stays, is told, and is tried again by itself", async () => {
  const problems: unknown[] = [];
  const full = new Error("no room");
  const onEdit = vi.fn(() => Promise.resolve()).mockRejectedValueOnce(full).mockRejectedValueOnce(full);
  const onProblem = (problem: unknown): void => void problems.push(problem);
  render(<PlainTextEditor version={1} content="" onEdit={onEdit} onTyping={nothing} onProblem={onProblem} />);
  fireEvent.change(field(), { target: { value: "a" } });
  await act(() => vi.advanceTimersByTimeAsync(1000));
  expect(problems).toEqual([full]);
  for (let retry = 0; retry < 2; retry += 1) await act(() => vi.advanceTimersByTimeAsync(4000));
  expect(problems).toEqual([full, full, undefined]);
  expect(onEdit.mock.calls).toEqual([["a", 1], ["a", 1], ["a", 1]]);
  expect(field().value).toBe("a");
});

test("a version that is one's own counts as seen, though the typing goes on", async () => {
  const onEdit = vi.fn(() => Promise.resolve());
  const shown = (content: string, version: number) => (
    <PlainTextEditor content={content} version={version} onEdit={onEdit} onTyping={nothing} onProblem={nothing} />
  );
  const page = render(shown("", 1));
  fireEvent.change(field(), { target: { value: "a" } });
  await act(() => vi.advanceTimersByTimeAsync(1000));
  fireEvent.change(field(), { target: { value: "ab" } });
  page.rerender(shown("a", 1));
  page.rerender(shown("a", 2));
  await act(() => vi.advanceTimersByTimeAsync(1000));
  expect(onEdit.mock.calls).toEqual([
    ["a", 1],
    ["ab", 2],
  ]);
});
