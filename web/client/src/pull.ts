/**
 * The feed: pages are taken in as they come, the cursor with them. Deletions are held back until the feed has been read
 * to its end, so that the guard sees all of them.
 *
 * @module
 */
import { guard } from "./deletions.js";
import type { Engine } from "./engine.js";
import { RequestRefused } from "./errors.js";
import { isPending } from "./outbox.js";
import { forgetDeleted, takeDeletion, takeIn } from "./settle.js";
import { getMeta, setMeta, type Transaction } from "./store.js";
import type { ChangesPage, WireDocument } from "./wire.js";

/** How long deleted documents can be brought back, if the server has not said; in seconds. */
const TOMBSTONE_RETENTION_S = 90 * 24 * 3600;

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

  /** Where the feed was read to; `null` at its start. */
  async cursor(): Promise<string | null> {
    return (await this.#engine.store.transaction("read", (tx) => getMeta(tx, "cursor"))) ?? null;
  }

  /**
   * The cursor to send along with a push; `undefined` if the feed has to be read on its own: what a push itself wrote is
   * left out of the page in its answer, and would be taken for deleted while everything is pulled anew.
   */
  cursorForBatch(): Promise<string | null | undefined> {
    return this.#engine.store.transaction("read", async (tx) =>
      (await getMeta(tx, "unseen")) ? undefined : ((await getMeta(tx, "cursor")) ?? null),
    );
  }

  /** Reads to the end of the feed, then applies deletions. Ends between two pages when `signal` is aborted. */
  async run(allowMassDelete: boolean, signal: AbortSignal): Promise<void> {
    let restarted = false;
    for (let more = true; more && !signal.aborted;) {
      const cursor = await this.cursor();
      const query = `workspace_id=${this.#workspaceId}${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
      try {
        const page = await this.#engine.api.json<ChangesPage>("GET", `/api/v1/documents/changes?${query}`);
        await this.take(page);
        more = page.has_more;
      } catch (error) {
        const expired = error instanceof RequestRefused && (error.status === 410 || error.status === 400);
        if (!expired || cursor === null || restarted) throw error;
        await this.startAnew();
        restarted = true;
      }
    }
    if (signal.aborted) return;
    await this.#applyDeletions(allowMassDelete);
    await this.#fetchPassedOver();
  }

  /** Takes in a page, and moves the cursor with it. */
  async take(page: ChangesPage): Promise<void> {
    const changed = await this.#engine.store.transaction("write", async (tx) => {
      const held = (await getMeta(tx, "held_deletions")) ?? {};
      const changedIds: string[] = [];
      // Side by side: a page tells of each document once.
      const takeItem = async (item: WireDocument) => {
        const intake = await takeIn(tx, item);
        if (intake === "held-deletion") held[item.document_id] = item.version;
        else if (item.version > (held[item.document_id] ?? 0)) delete held[item.document_id];
        if (intake === "changed") changedIds.push(item.document_id);
      };
      await Promise.all(page.items.map(takeItem));
      await this.#tickOff(tx, page, held);
      await setMeta(tx, "held_deletions", held);
      await setMeta(tx, "cursor", page.next_cursor);
      return changedIds;
    });
    this.#tell(changed);
  }

  /** Forgets the cursor: everything is pulled anew, and what the feed does not tell of any more was deleted. */
  async startAnew(): Promise<void> {
    await this.#engine.store.transaction("write", async (tx) => {
      const known = (await tx.all("documents")).filter((document) => !document.deleted && document.version > 0);
      await setMeta(
        tx,
        "unseen",
        known.map((document) => document.document_id),
      );
      await setMeta(tx, "cursor", undefined);
    });
  }

  async #tickOff(tx: Transaction, page: ChangesPage, held: Record<string, number>): Promise<void> {
    const unseen = await getMeta(tx, "unseen");
    if (!unseen) return;
    const seen = new Set(page.items.map((item) => item.document_id));
    const left = unseen.filter((id) => !seen.has(id) && !(id in held));
    await setMeta(tx, "unseen", page.has_more ? left : undefined);
    if (page.has_more) return;
    for (const id of left) held[id] = (await tx.get("documents", id))?.version ?? 0;
  }

  async #applyDeletions(allowMassDelete: boolean): Promise<void> {
    const now = this.#engine.clock.now();
    const deleted = await this.#engine.store.transaction("write", async (tx) => {
      const { tombstone_retention_s = TOMBSTONE_RETENTION_S } = (await getMeta(tx, "limits")) ?? {};
      await forgetDeleted(tx, now - tombstone_retention_s * 1000);
      const held = Object.entries((await getMeta(tx, "held_deletions")) ?? {});
      if (held.length === 0) return [];
      const documents = (await tx.all("documents")).filter((document) => !document.deleted && document.version > 0);
      const live = new Set(documents.map((document) => document.document_id));
      const deletions = held.filter(([id]) => live.has(id));
      if (!allowMassDelete) guard("device", deletions.length, documents.length);
      const done: string[] = [];
      for (const [id, version] of deletions) if (await takeDeletion(tx, now, id, version)) done.push(id);
      await setMeta(tx, "held_deletions", undefined);
      return done;
    });
    this.#tell(deleted);
  }

  /** Fetches documents that were passed over while edits of theirs were pending. */
  async #fetchPassedOver(): Promise<void> {
    const ids = await this.#engine.store.transaction("read", async (tx) => {
      const found: string[] = [];
      for (const { document_id, newer_version } of await tx.all("documents")) {
        if (newer_version !== undefined && !(await isPending(tx, document_id))) found.push(document_id);
      }
      return found;
    });
    for (const id of ids) {
      const path = `/api/v1/documents/${id}?workspace_id=${this.#workspaceId}`;
      const server = await this.#engine.api.json<WireDocument>("GET", path).catch((error: unknown) => {
        if (error instanceof RequestRefused && error.status === 404) return undefined;
        throw error;
      });
      await this.#engine.store.transaction("write", async (tx) => {
        if (server && !server.deleted) return void (await takeIn(tx, server));
        return void (await takeDeletion(tx, this.#engine.clock.now(), id, server?.version ?? 0));
      });
      this.#tell([id]);
    }
  }

  #tell(documentIds: string[]): void {
    this.pulled += documentIds.length;
    if (documentIds.length > 0) this.#engine.events.emit("changed", { document_ids: documentIds });
  }
}
