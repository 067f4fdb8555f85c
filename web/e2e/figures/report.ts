/**
 * The figures in tables, and their place in the documentation.
 *
 * @module
 */
import { readFile, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import type { Check } from "./checks.js";
import type { Bytes } from "../support/first-load.js";
import type { ListFigures } from "./lists.js";
import type { LoadFigures } from "./load.js";
import type { PushFigures } from "./push.js";

/** The heading that the figures stand under. */
const HEADING = "## The editor in a browser";

/** Everything that was measured. */
export interface Figures {
  documents: number;
  pushes: readonly PushFigures[];
  loads: readonly { cold: LoadFigures; warm: LoadFigures }[];
  /** How many documents the lists have. */
  listed: number;
  lists: readonly ListFigures[];
  bytes: { start: Bytes; document: Bytes };
  checks: readonly Check[];
}

/** The middle one. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Median and extremes. */
function told(values: readonly number[], digits = 0): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${median(values).toFixed(digits)} | ${least}–${most}`;
}

/** The section, in Markdown. */
export function toMarkdown({ documents, listed, pushes, loads, lists, bytes, checks }: Figures): string {
  const runs = pushes.length;
  const of = (pick: (figures: PushFigures) => number): number[] => pushes.map(pick);
  const at = (when: "cold" | "warm", pick: (figures: LoadFigures) => number): number[] =>
    loads.map((load) => pick(load[when]));
  const kib = (count: number): string => (count / 1024).toFixed(0);
  const load = loadavg()[0]?.toFixed(1) ?? "?";
  return `${HEADING}

Measured by \`just page-figures\`: Chromium without a window, the server on SQLite, and whatever else the machine does, on ${cpus().length} cores with a load of ${load} at the end; medians of ${runs} runs, each with a new server and a new browser profile.

${documents} documents of 2 KB, written while logged out, are pushed by the page after a login. Time runs from the login's answer until the page says "Synced".

| the push | median | range | target |
| --- | ---: | ---: | ---: |
| until all is synced, ms | ${told(of((push) => push.pushedMs))} | 3000 |
| longest time in which the counts stand still, ms | ${told(of((push) => push.progressGapMs))} | 500 |
| longest time between two frames, ms | ${told(of((push) => push.frameGapMs))} | 100 |
| longest task, ms (0: none of 50 or more) | ${told(of((push) => push.taskMs))} | 100 |
| memory of scripts before, MiB | ${told(of((push) => push.heapBeforeMiB), 1)} | |
| memory of scripts after, MiB | ${told(of((push) => push.heapAfterMiB), 1)} | |

A cold load is a first visit, a warm one is served by the service worker.

| a load | median | range |
| --- | ---: | ---: |
| cold: until something can be written, ms | ${told(at("cold", (one) => one.usableMs))} |
| cold: largest contentful paint, ms | ${told(at("cold", (one) => one.largestMs))} |
| cold: cumulative layout shift | ${told(at("cold", (one) => one.shift), 3)} |
| warm: until something can be written, ms | ${told(at("warm", (one) => one.usableMs))} |
| warm: largest contentful paint, ms | ${told(at("warm", (one) => one.largestMs))} |
| warm: cumulative layout shift | ${told(at("warm", (one) => one.shift), 3)} |
| memory of scripts, MiB | ${told(at("warm", (one) => one.heapMiB), 1)} |

${listed.toLocaleString("en")} documents on the device, half of them plain texts of 2 KB; the client reads them from IndexedDB.

| a list | median | range | target |
| --- | ---: | ---: | ---: |
| until the client has it, ms | ${told(lists.map((list) => list.readyMs))} | 300 |
| an edit, until it is on disk and the list is right again, ms | ${told(lists.map((list) => list.keystrokeMs))} | |

| what a first visit fetches | files | KiB, Brotli | KiB, gzip | target |
| --- | ---: | ---: | ---: | ---: |
| the start page | ${bytes.start.files} | ${kib(bytes.start.brotli)} | ${kib(bytes.start.gzip)} | 300 |
| with a document open | ${bytes.document.files} | ${kib(bytes.document.brotli)} | ${kib(bytes.document.gzip)} | 300 |

| check | outcome |
| --- | --- |
${checks.map(({ name, outcome }) => `| ${name} | ${outcome} |`).join("\n")}
`;
}

/** Puts the section in the place of the former one, or at the end. */
export async function writeInto(path: string, section: string): Promise<void> {
  const text = await readFile(path, "utf8");
  const start = text.indexOf(`\n${HEADING}\n`);
  const next = start < 0 ? -1 : text.indexOf("\n## ", start + HEADING.length);
  const before = start < 0 ? text : text.slice(0, start + 1);
  const after = next < 0 ? "" : text.slice(next);
  await writeFile(path, `${before.trimEnd()}\n\n${section}${after}`);
}
