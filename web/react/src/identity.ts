/**
 * Keeping objects the same that say the same, so that what shows them need not be drawn again.
 *
 * @module
 */

/** The former object if both have the same fields, else the new one. */
export function keep<T extends object>(former: T | undefined, next: T): T {
  return former !== undefined && isSame(former, next) ? former : next;
}

/** The new list with the former rows where they say the same; the former list itself if nothing is new. */
export function keepRows<T extends object>(
  former: T[],
  next: readonly T[],
  keyOf: (row: T) => string,
  same: (one: T, other: T) => boolean = isSame,
): T[] {
  const known = new Map(former.map((row) => [keyOf(row), row]));
  const rows = next.map((row) => {
    const present = known.get(keyOf(row));
    return present !== undefined && same(present, row) ? present : row;
  });
  return rows.length === former.length && rows.every((row, at) => row === former[at]) ? former : rows;
}

/** Whether two objects have the same fields with the same values. */
function isSame(one: object, other: object): boolean {
  const fields = Object.entries(one);
  const values = other as Record<string, unknown>;
  return (
    fields.length === Object.keys(other).length &&
    fields.every(([name, value]) => name in other && Object.is(values[name], value))
  );
}
