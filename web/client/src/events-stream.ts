/**
 * Hearing of other devices' changes: Server-Sent Events over `fetch`, since an `EventSource` cannot carry a bearer
 * token; polling where the server has no stream.
 *
 * @module
 */
import { backoffMs, sleep, within, type Clock } from "./clock.js";
import type { Engine } from "./engine.js";
import { LoginNeeded, RequestRefused, Unreachable } from "./errors.js";

/** One event of a stream. */
export interface ServerEvent {
  event: string;
  data: string;
  id: string | undefined;
}

/** A stream from which nothing came for so long, not even a heartbeat, is dead; in milliseconds. */
const SILENT_MS = 45_000;

/** Reads a stream of events (WHATWG HTML, 9.2.6). An event without data still tells its id. */
export async function* readEvents(body: ReadableStream<Uint8Array>, clock: Clock): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let fields = emptyFields();
  try {
    for (;;) {
      const piece = await within(clock, SILENT_MS, reader.read());
      if (!piece) throw new Unreachable(true);
      const { done, value } = piece;
      if (done) return;
      text += decoder.decode(value, { stream: true });
      // A carriage return at the very end may be the first half of a line end.
      const lines = text.split(/\r\n|\n|\r(?!$)/);
      text = lines.pop() ?? "";
      for (const line of lines) {
        if (line !== "") {
          readField(fields, line);
          continue;
        }
        const { event, data, id } = fields;
        if (data.length > 0 || id !== undefined) yield { event: event || "message", data: data.join("\n"), id };
        fields = emptyFields();
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

interface Fields {
  event: string;
  data: string[];
  id: string | undefined;
}

function emptyFields(): Fields {
  return { event: "", data: [], id: undefined };
}

function readField(fields: Fields, line: string): void {
  const colon = line.indexOf(":");
  if (colon === 0) return;
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "event") fields.event = value;
  else if (name === "data") fields.data.push(value);
  else if (name === "id" && !value.includes("\0")) fields.id = value;
}

/** What a subscription needs to know of its client. */
export interface SubscriptionSettings {
  engine: Engine;
  workspaceId: () => Promise<string>;
  /** Where the feed was read to: the stream goes on from there. */
  cursor: () => Promise<string | undefined>;
  /** Whether a change is news: not this device's own. */
  isNews: (documentId: string, version: number) => Promise<boolean>;
  /** Pulls, and ends quietly where it cannot. */
  pull: () => Promise<void>;
  /** Between two pulls, where the server has no stream. */
  pollMs: number;
}

/** Pulls whenever the server tells of a change, until `signal` is aborted. */
export async function follow(settings: SubscriptionSettings, signal: AbortSignal): Promise<void> {
  const { engine } = settings;
  let failures = 0;
  let fromStart = false;
  while (!signal.aborted) {
    try {
      // What was taken in, rather than what was heard: a change whose pull failed is told again.
      const lastId = fromStart ? undefined : await settings.cursor();
      fromStart = false;
      const path = `/api/v1/documents/events?workspace_id=${await settings.workspaceId()}`;
      const headers = { accept: "text/event-stream", ...(lastId === undefined ? {} : { "last-event-id": lastId }) };
      const response = await engine.api.stream(path, headers, signal);
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
      if (!response.body || !isStream) throw new Unreachable(true);
      // What was missed before the first event of a first stream has no id to resume from.
      if (lastId === undefined) await settings.pull();
      for await (const event of readEvents(response.body, engine.clock)) {
        failures = 0;
        if (await calls(settings, event)) await settings.pull();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof LoginNeeded) {
        engine.events.emit("auth-needed", {});
        return;
      }
      const status = error instanceof RequestRefused ? error.status : 0;
      if (status === 410) fromStart = true;
      else if (status >= 400 && status < 500 && status !== 429) return await poll(settings, signal);
      // Something in between swallows the stream: this is what it would have reported.
      if (error instanceof Unreachable && error.timedOut) await settings.pull();
    }
    failures += 1;
    await sleep(engine.clock, backoffMs(engine.backoff, failures), signal);
  }
}

/** Whether an event calls for a pull. */
async function calls(settings: SubscriptionSettings, event: ServerEvent): Promise<boolean> {
  if (event.event === "pull") return true;
  if (event.event !== "change") return false;
  const change = JSON.parse(event.data) as { document_id?: string; version?: number };
  return settings.isNews(change.document_id ?? "", change.version ?? 0);
}

async function poll(settings: SubscriptionSettings, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await settings.pull();
    await sleep(settings.engine.clock, settings.pollMs, signal);
  }
}
