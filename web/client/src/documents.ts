/**
 * Open Yjs documents: each local edit is queued durably, what comes from elsewhere is applied.
 *
 * @module
 */
import * as Y from "yjs";
import { uuidv7 } from "./bytes.js";
import type { Engine } from "./engine.js";
import { NoSuchDocument } from "./errors.js";
import { queueCreate, queueUpdate, type SavedEdit } from "./outbox.js";
import { normalize } from "./text.js";
import { mergeRows, readRows } from "./yjs-rows.js";

/** The origin of transactions that come from the store; an editor's undo manager must not track it. */
export const FROM_STORE: unique symbol = Symbol("landfall: from the store");

/** The origin of the transaction that makes line ends line feeds, before anybody has the document. */
const NORMALIZED = Symbol();

interface OpenDocument {
  documentId: string;
  /** The title that it was opened with. */
  title: string;
  /** Whether what the store has is in it. */
  isLoaded: boolean;
  doc: Y.Doc;
  /** Edits that are not on disk yet. */
  unsaved: Uint8Array[];
  /** Line ends that were made line feeds here; saved with the first edit, so that looking changes nothing. */
  held: Uint8Array[];
  /** The save under way. */
  saving: Promise<void> | undefined;
  /** The newest row that was applied. */
  seen: number;
}

/** The documents that are open in this tab. */
export class OpenDocuments {
  readonly #engine: Engine;
  readonly #open = new Map<string, OpenDocument>();
  /** Closed, with edits that are not on disk yet. */
  readonly #closing = new Map<string, OpenDocument>();
  readonly #opening = new Map<string, Promise<Y.Doc>>();
  readonly #onSaved: (documentId: string, isLive?: boolean) => void;

  /** @param onSaved is told after each save, for other tabs and lists, and whether it goes live */
  constructor(engine: Engine, onSaved: (documentId: string, isLive?: boolean) => void) {
    this.#engine = engine;
    this.#onSaved = onSaved;
  }

  /** Whether this object is the open document. */
  has(doc: Y.Doc): boolean {
    return this.#open.get(doc.guid)?.doc === doc;
  }

  /** The document, the same object for all who have it open; `destroy()` closes it. */
  async open(documentId: string, into?: Y.Doc): Promise<Y.Doc> {
    let opening = this.#opening.get(documentId);
    if (!opening && !this.#open.has(documentId)) {
      opening = this.#load(documentId, into).finally(() => this.#opening.delete(documentId));
      this.#opening.set(documentId, opening);
    }
    const doc = opening ? await opening : this.#open.get(documentId)?.doc;
    if (!doc) throw new NoSuchDocument(documentId);
    if (into && doc !== into) throw new RangeError(`the document ${documentId} is open as another object`);
    return doc;
  }

  async #load(documentId: string, doc = new Y.Doc({ guid: documentId })): Promise<Y.Doc> {
    if (doc.guid !== documentId) throw new RangeError(`the guid of the document must be ${documentId}`);
    if (Y.encodeStateVector(doc).length > 1) throw new RangeError("the document must be empty: the device has its text");
    const entry: OpenDocument = { documentId, title: "", isLoaded: false, doc, unsaved: [], held: [], saving: undefined, seen: 0 };
    const end = this.#listen(entry);
    try {
      const closing = this.#closing.get(documentId);
      if (closing) await this.#save(closing);
      const { title, rows } = await this.#engine.store.transaction("read", async (tx) => {
        const document = await tx.get("documents", documentId);
        if (!document || document.deleted || document.kind !== "yjs") throw new NoSuchDocument(documentId);
        return { title: document.title, rows: await readRows(tx, documentId) };
      });
      entry.title = title;
      entry.seen = rows.at(-1)?.number ?? 0;
      const state = mergeRows(rows);
      if (state) Y.applyUpdate(doc, state, FROM_STORE);
    } catch (error) {
      end();
      throw error;
    }
    doc.transact(() => normalize(doc), NORMALIZED);
    entry.isLoaded = true;
    // It may have been closed meanwhile.
    if (!doc.isDestroyed) this.#open.set(documentId, entry);
    // What an editor wrote into it before it was filled; `unsaved` says so if it cannot be.
    await this.#save(entry).catch(() => undefined);
    // What came between the reading and now was told to nobody.
    await this.refresh([documentId]);
    return doc;
  }

  /** Saves what is edited; the returned function ends that. */
  #listen(entry: OpenDocument): () => void {
    const { doc, documentId } = entry;
    const keep = (update: Uint8Array, origin: unknown) => {
      if (origin === NORMALIZED) entry.held.push(update);
      if (origin === FROM_STORE || origin === NORMALIZED) return;
      entry.unsaved.push(...entry.held.splice(0), update);
      if (entry.isLoaded) void this.#save(entry).catch(() => undefined);
    };
    const close = () => {
      if (this.#open.get(documentId) === entry) this.#open.delete(documentId);
      if (entry.unsaved.length > 0) this.#closing.set(documentId, entry);
    };
    doc.on("update", keep);
    doc.on("destroy", close);
    return () => {
      doc.off("update", keep);
      doc.off("destroy", close);
    };
  }

  /** Resolves when every edit made so far is on disk. Tries again what could not be saved before, each for itself. */
  async flush(): Promise<void> {
    const entries = [...this.#closing.values(), ...this.#open.values()];
    const saves = await Promise.allSettled(entries.map((entry) => this.#save(entry)));
    for (const save of saves) if (save.status === "rejected") throw save.reason;
  }

  /** Applies what has come into the store for documents that are open. */
  async refresh(documentIds: readonly string[]): Promise<void> {
    for (const documentId of documentIds) {
      const entry = this.#open.get(documentId);
      if (!entry) continue;
      const rows = await this.#engine.store.transaction("read", (tx) => readRows(tx, documentId));
      const fresh = rows.filter((row) => row.number > entry.seen);
      entry.seen = rows.at(-1)?.number ?? entry.seen;
      const update = mergeRows(fresh);
      if (update) takeIn(entry, update);
    }
  }

  /** Shows what came live, which is stored soon after. */
  show(documentId: string, update: Uint8Array): void {
    const entry = this.#open.get(documentId);
    if (entry) takeIn(entry, update);
  }

  /**
   * Closes a document whose state was replaced. Edits of it that are not on disk yet have no place in the new one: what was
   * written becomes a document of its own.
   */
  async replace(documentId: string): Promise<void> {
    const entry = this.#open.get(documentId);
    if (!entry) return;
    const isWhole = entry.unsaved.length === 0;
    entry.unsaved = [];
    const state = Y.encodeStateAsUpdate(entry.doc);
    entry.doc.destroy();
    if (isWhole) return;
    const now = this.#engine.clock.now();
    const copy = { document_id: uuidv7(now), kind: "yjs", title: `${entry.title} (copy)`, content: "", state } as const;
    await this.#engine.store.transaction("write", (tx) => queueCreate(tx, now, copy));
    this.#onSaved(copy.document_id);
  }

  /** Saves, one save at a time; edits that come meanwhile go into the next one together. */
  #save(entry: OpenDocument): Promise<void> {
    entry.saving ??= this.#saveAll(entry).finally(() => (entry.saving = undefined));
    return entry.saving;
  }

  async #saveAll(entry: OpenDocument): Promise<void> {
    const { documentId, title, doc } = entry;
    while (entry.unsaved.length > 0) {
      const edits = [...entry.unsaved];
      const edit = edits.length > 1 ? Y.mergeUpdates(edits) : edits[0];
      const { store, clock, live } = this.#engine;
      let saved: SavedEdit | undefined;
      try {
        // What others typed may be what an edit leans on.
        await live?.stored();
        const now = clock.now();
        const goesLive = live?.accepts(documentId);
        saved = await store.transaction("write", async (tx) => {
          if (await tx.get("documents", documentId)) return queueUpdate(tx, now, documentId, {}, { edit, live: goesLive });
          // Another tab gave it up before the server ever knew of it: what is written here makes it anew.
          const state = Y.encodeStateAsUpdate(doc);
          await queueCreate(tx, now, { document_id: documentId, kind: "yjs", title, content: "", state });
          return undefined;
        });
      } catch (error) {
        this.#engine.events.emit("unsaved", { document_id: documentId, error });
        throw error;
      }
      entry.unsaved.splice(0, edits.length);
      this.#onSaved(documentId, saved && live?.edited(documentId, saved));
    }
    if (this.#closing.get(documentId) === entry) this.#closing.delete(documentId);
  }
}

/** Applies what came from elsewhere, in one step with the making of line feeds: an editor never sees anything else. */
function takeIn({ doc, held }: OpenDocument, update: Uint8Array): void {
  let isNormalized = false;
  const keep = (made: Uint8Array) => isNormalized && held.push(made);
  doc.on("update", keep);
  doc.transact(() => {
    Y.applyUpdate(doc, update, FROM_STORE);
    isNormalized = normalize(doc);
  }, FROM_STORE);
  doc.off("update", keep);
}
