/**
 * The figures of a workspace in words.
 *
 * @module
 */
import type { Statistics } from "@landfall/client/workspace";

const count = new Intl.NumberFormat("en");
const UNITS = ["bytes", "KB", "MB", "GB", "TB"] as const;

/** "1.5 MB"; a KB has 1,000 bytes. */
export function size(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${count.format(Number(value.toFixed(digits)))} ${UNITS[unit]}`;
}

/** Pairs of a name and a value, in the order in which they are shown. */
export function figures(usage: Statistics, duration: (milliseconds: number) => string): [name: string, figure: string][] {
  const { syncs } = usage;
  const rows: [string, string | undefined][] = [
    ["Documents", of(count.format(usage.documents), usage.documents_left, (left) => count.format(left))],
    ["Deleted documents", usage.deleted_documents > 0 ? count.format(usage.deleted_documents) : undefined],
    ["Stored", of(size(usage.text_bytes + usage.yjs_bytes), usage.bytes_left, size)],
    ["Of that, in versions", size(usage.history_bytes)],
    ["Members", count.format(usage.members)],
    [`Syncs in the last ${syncs.days} days`, count.format(syncs.runs)],
    ["Changes in them", syncs.runs > 0 ? changes(syncs) : undefined],
    ["Typical sync", syncs.median_duration_ms === null ? undefined : duration(syncs.median_duration_ms)],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== undefined);
}

function of(value: string, left: number | null, show: (left: number) => string): string {
  return left === null ? value : `${value}, room for ${show(left)} more`;
}

function changes({ operations, failed, conflicts }: Statistics["syncs"]): string {
  if (failed === 0) return count.format(operations);
  const clashes = conflicts > 0 ? `, ${count.format(conflicts)} of them conflicts` : "";
  return `${count.format(operations)}; ${count.format(failed)} failed${clashes}`;
}
