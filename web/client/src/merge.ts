/**
 * Merging what two sides made of one text: by lines, and inside the lines that both changed by words. The same change on both
 * sides counts once, and different changes of the same words never mix.
 *
 * @module
 */

/** What replaces a part of a list: from `start` to `end` of the old one by `from` to `to` of the new one. */
interface Hunk {
  start: number;
  end: number;
  from: number;
  to: number;
}

/** Lists that differ in more places than this are taken to differ as a whole: it bounds the time. */
const MAX_DIFFERENCES = 1500;

/** A line with its end. */
const LINES = /[^\n]*\n|[^\n]+$/g;

/** A word, with dates and the like as one; or a single character. Every character is part of some match. */
const WORDS = /[\p{L}\p{N}_]+(?:[-.:/’'][\p{L}\p{N}_]+)*|[^]/gu;

/**
 * Merges what `mine` and `theirs` made of `base`. Where both changed the same words differently, the lines are mine as a
 * whole, and `clashes` says so.
 */
export function mergeTexts(base: string, mine: string, theirs: string): { text: string; clashes: boolean } {
  let clashes = false;
  const text = mergeLines(base, mine, theirs, (_old, one) => {
    clashes = true;
    return one;
  });
  return { text, clashes };
}

/**
 * Merges as {@link mergeTexts} does; where both changed the same words differently, what each of them made of these is kept whole,
 * side by side. No word is lost, and none is a mixture.
 */
export function uniteTexts(base: string, mine: string, theirs: string): string {
  return mergeLines(base, mine, theirs, (old, one, other) => [bothSides(old.join(""), one.join(""), other.join(""))]);
}

/** @param settle gives what is to stand for lines that clash */
function mergeLines(
  base: string,
  mine: string,
  theirs: string,
  settle: (base: string[], mine: string[], theirs: string[]) => string[],
): string {
  const text = merge(split(base, LINES), split(mine, LINES), split(theirs, LINES), (old, one, other) => {
    // Two insertions at one place: both, but what they begin or end with alike once.
    if (old.length === 0) return both(one, other);
    const once = alikeOnce(old, one, other);
    if (once) return once;
    const [words, mine, theirs] = [old, one, other].map((lines) => split(lines.join(""), WORDS)) as [string[], string[], string[]];
    return merge(words, mine, theirs, () => undefined) ?? larger(old, one, other) ?? settle(old, one, other);
  });
  return (text ?? [mine]).join("");
}

/** All that either brought, theirs first, and of the base what neither took away. */
function bothSides(base: string, mine: string, theirs: string): string {
  const sides = [changesOf(base, theirs), changesOf(base, mine)];
  const cuts = new Uint8Array(base.length);
  for (const { at, cut } of sides.flat()) for (let n = at; n < at + cut; n += 1) cuts[n] = (cuts[n] ?? 0) + 1;
  let made = "";
  let isParted = true;
  for (let at = 0; at <= base.length; at += 1) {
    const [left, right] = sides.map((changes) => changes.find((change) => change.at === at));
    const was = base.slice(at, at + Math.max(left?.cut ?? 0, right?.cut ?? 0));
    const [one, other] = [left?.insert ?? "", right?.insert ?? ""];
    const put = sideBySide(was, one, other);
    made += put;
    isParted &&= put === "";
    const letter = base.charAt(at);
    if (cuts[at] === 0) {
      made += letter;
      isParted = true;
    } else if (!isParted && cuts[at] === 1 && letter.trim() === "" && /\S$/.test(made)) {
      // A space that only one side took away still parts what the other one put before it from what follows; a line end rather so.
      const kept = cuts.indexOf(0, at);
      const run = base.slice(at, kept < 0 ? undefined : kept).split("");
      made += run.some((each, n) => each === "\n" && cuts[at + n] === 1) ? "\n" : letter;
    }
  }
  return made;
}

/** What both put in the place of the same words. */
function sideBySide(was: string, one: string, other: string): string {
  if (one === "" || other === "") return one || other;
  if (was === "") return one + other;
  // Where both only added letters to a word, it is one word still.
  if (isPartOf(was, one) && isPartOf(was, other)) {
    return (merge([...was], [...one], [...other], (_, left, right) => [...left, ...right]) ?? [one]).join("");
  }
  return /\S$/.test(one) && /^\S/.test(other) ? `${one} ${other}` : one + other;
}

/** Whether one text is another one with letters added. */
function isPartOf(small: string, large: string): boolean {
  let at = 0;
  for (const letter of large) if (small.startsWith(letter, at)) at += letter.length;
  return at === small.length;
}

/** The places at which a text differs from another one, in order; each as what is cut out, and what comes in its place. */
export function changesOf(from: string, to: string): { at: number; cut: number; insert: string }[] {
  const [old, next] = [split(from, LINES), split(to, LINES)];
  const changes: { at: number; cut: number; insert: string }[] = [];
  let at = 0;
  let passed = 0;
  for (const { start, end, from: first, to: last } of diff(old, next)) {
    at += lengthOf(old.slice(passed, start));
    passed = end;
    const [cut, put] = [split(old.slice(start, end).join(""), WORDS), split(next.slice(first, last).join(""), WORDS)];
    let word = 0;
    for (const hunk of diff(cut, put)) {
      at += lengthOf(cut.slice(word, hunk.start));
      const gone = lengthOf(cut.slice(hunk.start, hunk.end));
      changes.push({ at, cut: gone, insert: put.slice(hunk.from, hunk.to).join("") });
      at += gone;
      word = hunk.end;
    }
    at += lengthOf(cut.slice(word));
  }
  return changes;
}

function split(text: string, parts: RegExp): string[] {
  return text.match(parts) ?? [];
}

function lengthOf(parts: readonly string[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** @param decide about what both changed differently; `undefined` if nothing can be made of it, and so of the whole */
function merge(
  base: string[],
  mine: string[],
  theirs: string[],
  decide: (base: string[], mine: string[], theirs: string[]) => string[] | undefined,
): string[] | undefined {
  const sides = [diff(base, mine), diff(base, theirs)] as const;
  const merged: string[] = [];
  let at = 0;
  for (const { start, end } of regions(sides)) {
    merged.push(...base.slice(at, start));
    at = end;
    const old = base.slice(start, end);
    const one = part(mine, sides[0], start, end);
    const other = part(theirs, sides[1], start, end);
    const decided =
      isSame(one, other) || isSame(other, old)
        ? one
        : isSame(one, old)
          ? other
          : (keptByBoth(base, sides, start, end) ?? decide(old, one, other));
    if (!decided) return undefined;
    merged.push(...decided);
  }
  return [...merged, ...base.slice(at)];
}

/** The parts of the base that a side changed, joined where they overlap or touch. */
function regions(sides: readonly (readonly Hunk[])[]): { start: number; end: number }[] {
  const all = sides.flat().sort((a, b) => a.start - b.start || a.end - b.end);
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of all) {
    const last = joined.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else joined.push({ start, end });
  }
  return joined;
}

/** What a side has in the place of a region that begins and ends outside of its hunks, or at their ends. */
function part(side: string[], hunks: readonly Hunk[], start: number, end: number): string[] {
  const before = hunks.findLast((hunk) => hunk.end < start || (hunk.end === start && hunk.start < start));
  const inside = hunks.findLast((hunk) => hunk.end <= end);
  const first = before ? before.to + (start - before.end) : start;
  const last = inside ? inside.to + (end - inside.end) : end;
  return side.slice(first, Math.max(first, last));
}

/** Where both sides only delete: what neither did. */
function keptByBoth(base: string[], sides: readonly (readonly Hunk[])[], start: number, end: number): string[] | undefined {
  const inside = sides.flat().filter((hunk) => hunk.start >= start && hunk.end <= end);
  if (inside.some(({ from, to }) => to > from)) return undefined;
  return base.slice(start, end).filter((_, at) => !inside.some((hunk) => start + at >= hunk.start && start + at < hunk.end));
}

/** The side that made the same of it as the other one and only added to it; what is left of the base is no addition. */
function larger(base: string[], one: string[], other: string[]): string[] | undefined {
  const [small, large] = one.length < other.length ? [one, other] : [other, one];
  const isMore = diff(small, large).every(
    ({ start, end, from, to }) =>
      start === end && large.slice(from, to).every((line) => line.trim() === "" || !base.includes(line)),
  );
  return isMore && small.some((line) => line.trim() !== "") ? large : undefined;
}

/**
 * Changes side by side that brought lines alike: these once, and what either took away is gone. `undefined` if there are none,
 * if changes overlap, or if neither brought all that the other did.
 */
function alikeOnce(old: string[], one: string[], other: string[]): string[] | undefined {
  const changes = [other, one].flatMap((side) =>
    diff(old, side).map(({ start, end, from, to }) => ({ start, end, lines: side.slice(from, to) })),
  );
  const joined: typeof changes = [];
  let isAlike = false;
  for (const change of changes.sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = joined.at(-1);
    if (last && change.start < last.end) return undefined;
    if (last?.end === change.start && last.lines.some((line) => line.trim() !== "" && change.lines.includes(line))) {
      const [small, large] = [last.lines, change.lines].sort((a, b) => a.length - b.length) as [string[], string[]];
      if (diff(small, large).some(({ start, end }) => end > start)) return undefined;
      Object.assign(last, { end: change.end, lines: large });
      isAlike = true;
    } else joined.push(change);
  }
  if (!isAlike) return undefined;
  const made: string[] = [];
  let at = 0;
  for (const { start, end, lines } of joined) {
    made.push(...old.slice(at, start), ...lines);
    at = end;
  }
  return [...made, ...old.slice(at)];
}

/** Two insertions at one place. */
function both(mine: string[], theirs: string[]): string[] {
  const [start, end] = alike(mine, theirs);
  return [...theirs.slice(0, theirs.length - end), ...mine.slice(start)];
}

/** With how many elements alike two lists begin and end. */
function alike(one: string[], other: string[]): [start: number, end: number] {
  let start = 0;
  while (start < one.length && start < other.length && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  return [start, end];
}

function isSame(one: string[], other: string[]): boolean {
  return one.length === other.length && one.every((each, at) => each === other[at]);
}

/** How one list becomes another one (Myers, "An O(ND) difference algorithm and its variations"). */
function diff(old: string[], next: string[]): Hunk[] {
  const [head, tail] = alike(old, next);
  const [width, height] = [old.length - tail - head, next.length - tail - head];
  if (width === 0 && height === 0) return [];
  const whole = [{ start: head, end: head + width, from: head, to: head + height }];
  if (width === 0 || height === 0) return whole;
  const trail = search(width, height, (x, y) => old[head + x] === next[head + y]);
  return trail ? hunksOf(trail, width, height, head) : whole;
}

/** How far each diagonal was reached with so many differences; `undefined` if there are too many. */
function search(width: number, height: number, isEqual: (x: number, y: number) => boolean): Map<number, number>[] | undefined {
  const trail: Map<number, number>[] = [];
  let reached = new Map([[1, 0]]);
  for (let d = 0; d <= Math.min(width + height, MAX_DIFFERENCES); d += 1) {
    const now = new Map<number, number>();
    for (let k = -d; k <= d; k += 2) {
      const [down, right] = [reached.get(k + 1) ?? -1, reached.get(k - 1) ?? -1];
      let x = k === -d || (k !== d && right < down) ? down : right + 1;
      if (x < 0 || x > width || x - k > height) continue;
      while (x < width && x - k < height && isEqual(x, x - k)) x += 1;
      now.set(k, x);
      if (x === width && x - k === height) return [...trail, now];
    }
    trail.push(now);
    reached = now;
  }
  return undefined;
}

/** Walks back from the end, and joins steps that touch. */
function hunksOf(trail: Map<number, number>[], width: number, height: number, offset: number): Hunk[] {
  const hunks: Hunk[] = [];
  let [x, y] = [width, height];
  for (let d = trail.length - 1; d > 0; d -= 1) {
    const before = trail[d - 1];
    const k = x - y;
    const [down, right] = [before?.get(k + 1) ?? -1, before?.get(k - 1) ?? -1];
    const isDown = k === -d || (k !== d && right < down);
    const startX = isDown ? down : right;
    const startY = startX - (isDown ? k + 1 : k - 1);
    const [endX, endY] = isDown ? [startX, startY + 1] : [startX + 1, startY];
    const step = { start: offset + startX, end: offset + endX, from: offset + startY, to: offset + endY };
    const next = hunks.at(-1);
    if (next && next.start === step.end && next.from === step.to) Object.assign(next, { start: step.start, from: step.from });
    else hunks.push(step);
    [x, y] = [startX, startY];
  }
  return hunks.reverse();
}
