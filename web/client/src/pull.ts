/**
 * The feed: pages are taken in as they come, the cursor with them. Of documents that are here already only what is missing is
 * fetched. Deletions are held back until the feed has been read to its end, so that the guard sees all of them.
 *
 * @module
 */
import { toBase64 } from "./bytes.js";
import { guard } from "./deletions.js";
import type { Engine } from "./engine.js";
import { RequestRefused, Unreachable, type MassDeletion } from "./errors.js";
import { forgetDeleted, lose, takeDeletion, takeIn } from "./intake.js";
import { countDocuments, markedIds } from "./local-documents.js";
import { isPending, type QueueEntry } from "./queue.js";
import { getMeta, setMeta, type Transaction } from "./store.js";
import type { ChangesPage, DiffAnswer, DiffRequest, WireDocument } from "./wire.js";
import { vectorOf } from "./yjs-rows.js";

/** How long deleted documents can be brought back, if the server has not said; in seconds. */
const TOMBSTONE_RETENTION_S = 90 * 24 * 3600;

/** How often what was deleted before that is looked for, in milliseconds. */
const FORGET_EVERY_MS = 3600_000;

/** Documents of one request for what is missing, at most. */
const MOST_ASKED = 100;

/** Reads the feed. */
export class Puller {
  readonly #engine: Engine;
  readonly #workspaceId: string;
  /** Documents taken in. */
  pulled = 0;

  constructor(engine: Engine, workspaceId: string) {
    this.#engine = engine;
    this.#workspaceId = workspaceId;
  }

  /**
   * The cursor to send along with a push; `undefined` if the feed has to be read on its own. What comes with an answer is whole
   * documents, so that only a device without any asks for it; and what a push itself wrote is left out of it, and would be
   * taken for lost while everything is pulled anew.
   */
  cursorForBatch(): Promise<null | undefined> {
    return this.#engine.store.transaction("read", async (tx) =>
      (await getMeta(tx, "unseen")) || (await getMeta(tx, "cursor")) !== undefined ? undefined : null,
    );
  }

  /**
   * Reads to the end of the feed, then applies deletions. Ends between two pages when `signal` is aborted.
   *
   * @returns what has to be agreed to first, where too much would be deleted: that waits, and nothing else does
   */
  async run(allowMassDelete: boolean, signal: AbortSignal): Promise<MassDeletion | undefined> {
    await this.readFeed(signal);
    if (signal.aborted) return undefined;
    await this.#fetchPassedOver();
    return this.#applyDeletions(allowMassDelete);
  }

  /**
   * Whether what is queued may be the same change as one that others have pushed, or is based on what was live: then that is to be
   * known first.
   */
  isNeededBefore(queue: readonly QueueEntry[]): Promise<boolean> {
    return this.#engine.store.transaction("read", async (tx) => {
      let isConcerned = false;
      for (const { operation, yjs, document_id } of queue) {
        isConcerned ||= (operation === "update" && yjs) || (await tx.get("documents", document_id))?.ahead === true;
      }
      return isConcerned && (await getMeta(tx, "cursor")) !== undefined;
    });
  }

  /** Takes in all changes up to the end of the feed; deletions are noted. */
  async readFeed(signal: AbortSignal): Promise<void> {
    let restarted = false;
    for (let more = true; more && !signal.aborted;) {
      const cursor = await this.#engine.store.transaction("read", async (tx) => getMeta(tx, "cursor"));
      try {
        const page = await this.#page(cursor);
        await this.take(page);
        more = page.has_more;
      } catch (error) {
        const expired = error instanceof RequestRefused && (error.status === 410 || error.status === 400);
        if (!expired || cursor === undefined || restarted) throw error;
        await this.startAnew();
        restarted = true;
      }
    }
  }

  async #page(cursor: string | undefined): Promise<ChangesPage> {
    const query = new URLSearchParams({ workspace_id: this.#workspaceId });
    const hasSome = await this.#engine.store.transaction("read", async (tx) => (await getMeta(tx, "unseen")) !== undefined);
    // A device that has nothing yet needs everything whole.
    if (cursor !== undefined || hasSome) query.set("yjs", "vector");
    if (cursor !== undefined) query.set("cursor", cursor);
    const page = await this.#engine.api.json<ChangesPage>("GET", `/api/v1/documents/changes?${query}`);
    if (!Array.isArray(page.items)) throw new Unreachable(false);
    return { ...page, items: await this.#complete(page.items) };
  }

  /** Fetches what is missing here of documents that came as a state vector alone. */
  async #complete(items: WireDocument[]): Promise<WireDocument[]> {
    const isBare = (item: WireDocument) => item.state_vector_b64 !== undefined && item.yjs_state_b64 === undefined;
    const asked = await this.#engine.store.transaction("read", async (tx) => {
      const found: DiffRequest["documents"] = [];
      for (const { document_id, version } of items.filter(isBare)) {
        const known = await tx.get("documents", document_id);
        if (known && known.version >= version && known.newer_version === undefined && !known.anew) continue;
        // Where the server's state takes the place of what is here, it has to be whole.
        const isUnited = known?.kind === "yjs" && !known.deleted && !known.anew;
        const vector = isUnited ? await vectorOf(tx, document_id) : undefined;
        // Of what is here whole up to a version, the deletions up to it are known as well.
        const seen = vector && known && known.version > 0 && known.lost === undefined ? { version: known.version } : {};
        found.push({ document_id, ...(vector ? { state_vector_b64: toBase64(vector) } : {}), ...seen });
      }
      return found;
    });
    const states = new Map<string, string | undefined>();
    while (asked.length > 0) {
      const body: DiffRequest = { workspace_id: this.#workspaceId, documents: asked.slice(0, MOST_ASKED) };
      const { items: answers } = await this.#engine.api.json<DiffAnswer>("POST", "/api/v1/documents/diff", body);
      // One answer holds so many bytes and no more: what did not fit says so, and is asked for again.
      const final = answers.filter(({ error }) => error?.retryable !== true);
      if (final.length === 0) throw new Unreachable(false);
      const done = new Set(final.map(({ document_id }) => document_id));
      for (const { document_id, deleted, error, yjs_state_b64 } of final) {
        // What is gone by now, the feed reports later.
        if (!deleted && !error) states.set(document_id, yjs_state_b64);
      }
      asked.splice(0, asked.length, ...asked.filter(({ document_id }) => !done.has(document_id)));
    }
    return items.map((item) => {
      const state = states.get(item.document_id);
      return state === undefined ? item : { ...item, yjs_state_b64: state };
    });
  }

  /** Takes in a page, and moves the cursor with it. */
  async take(page: ChangesPage): Promise<void> {
    const now = this.#engine.clock.now();
    const replaced: string[] = [];
    const changed = await this.#engine.store.transaction("write", async (tx) => {
      const held = (await getMeta(tx, "held_deletions")) ?? {};
      const changedIds: string[] = [];
      // Side by side: a page tells of each document once.
      const takeItem = async (item: WireDocument) => {
        const intake = await takeIn(tx, now, item);
        if (intake === "held-deletion") held[item.document_id] = item.version;
        else if (item.version > (held[item.document_id] ?? 0)) delete held[item.document_id];
        if (intake === "replaced") replaced.push(item.document_id);
        if (intake === "changed" || intake === "replaced") changedIds.push(item.document_id);
      };
      await Promise.all(page.items.map(takeItem));
      changedIds.push(...(await this.#tickOff(tx, page)));
      await setMeta(tx, "held_deletions", held);
      await setMeta(tx, "cursor", page.next_cursor);
      return changedIds;
    });
    this.#tell(changed, replaced);
  }

  /** Forgets the cursor: everything is pulled anew, and what the feed does not tell of any more was lost by the server. */
  async startAnew(): Promise<void> {
    await this.#engine.store.transaction("write", async (tx) => {
      const known = (await tx.all("documents")).filter((document) => document.version > 0);
      const versions = known.map(({ document_id, version }) => [document_id, version] as const);
      await setMeta(tx, "unseen", Object.fromEntries(versions));
      await setMeta(tx, "cursor", undefined);
    });
  }

  /** Ticks off what a page of a feed that is read anew tells of; says what the server has lost, wholly or in part. */
  async #tickOff(tx: Transaction, page: ChangesPage): Promise<string[]> {
    const unseen = await getMeta(tx, "unseen");
    if (!unseen) return [];
    const lost: string[] = [];
    const note = async (id: string, version: number) => void ((await lose(tx, id, version)) && lost.push(id));
    for (const { document_id, version, deleted } of page.items) {
      if (!deleted && version < (unseen[document_id] ?? 0)) await note(document_id, version);
      delete unseen[document_id];
    }
    await setMeta(tx, "unseen", page.has_more ? unseen : undefined);
    if (!page.has_more) for (const id of Object.keys(unseen)) await note(id, 0);
    return lost;
  }

  async #applyDeletions(allowMassDelete: boolean): Promise<MassDeletion | undefined> {
    const now = this.#engine.clock.now();
    let tooMany: MassDeletion | undefined;
    const deleted = await this.#engine.store.transaction("write", async (tx) => {
      await this.#forgetDeleted(tx, now);
      const held = Object.entries((await getMeta(tx, "held_deletions")) ?? {});
      if (held.length === 0) return [];
      const found = await Promise.all(held.map(([id]) => tx.get("documents", id)));
      const deletions = held.filter((_, n) => found[n]?.deleted === false && found[n].version > 0);
      const { known } = await countDocuments(tx);
      tooMany = allowMassDelete ? undefined : guard("device", deletions.length, known);
      if (tooMany) return [];
      const done: string[] = [];
      for (const [id, version] of deletions) if (await takeDeletion(tx, now, id, version)) done.push(id);
      await setMeta(tx, "held_deletions", undefined);
      return done;
    });
    this.#tell(deleted);
    return tooMany;
  }

  /** Forgets what was deleted long ago; looked for now and then. */
  async #forgetDeleted(tx: Transaction, now: number): Promise<void> {
    if (now - ((await getMeta(tx, "forgotten_at")) ?? -Infinity) < FORGET_EVERY_MS) return;
    const { tombstone_retention_s = TOMBSTONE_RETENTION_S } = (await getMeta(tx, "limits")) ?? {};
    await forgetDeleted(tx, now - tombstone_retention_s * 1000);
    await setMeta(tx, "forgotten_at", now);
  }

  /** Fetches documents that were passed over while edits of theirs were pending. */
  async #fetchPassedOver(): Promise<void> {
    const ids = await this.#engine.store.transaction("read", async (tx) => {
      const found: string[] = [];
      for (const id of await markedIds(tx, "behind")) if (!(await isPending(tx, id))) found.push(id);
      return found;
    });
    for (const id of ids) {
      const path = `/api/v1/documents/${id}?workspace_id=${this.#workspaceId}`;
      const server = await this.#engine.api.json<WireDocument>("GET", path).catch((error: unknown) => {
        if (error instanceof RequestRefused && error.status === 404) return undefined;
        throw error;
      });
      const now = this.#engine.clock.now();
      const intake = await this.#engine.store.transaction("write", async (tx) => {
        if (server && !server.deleted) return takeIn(tx, now, server);
        await takeDeletion(tx, now, id, server?.version ?? 0);
        return "changed";
      });
      this.#tell([id], intake === "replaced" ? [id] : []);
    }
  }

  #tell(documentIds: string[], replaced: string[] = []): void {
    this.pulled += documentIds.length;
    for (const document_id of replaced) this.#engine.events.emit("replaced", { document_id });
    if (documentIds.length > 0) this.#engine.events.emit("changed", { document_ids: documentIds });
  }
}
