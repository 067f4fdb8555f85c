/**
 * A document that components have open: one `Y.Doc` for all of them, closed after the last.
 *
 * @module
 */
import { FROM_STORE, LandfallProvider, ROOT } from "@landfall/client";
import * as Y from "yjs";
import { keep } from "./identity.js";
import type { SyncStore } from "./sync-store.js";
import type { ListedDocument, OpenDocument } from "./views.js";

/** Between two tries to save what could not be saved, in milliseconds. */
const RETRY_MS = 3000;

/** The root for texts, unless somebody has taken it as something else. */
function textOf(doc: Y.Doc): Y.Text | undefined {
  const root = doc.share.get(ROOT);
  const isTaken = root !== undefined && root.constructor !== Y.AbstractType && root.constructor !== Y.Text;
  return isTaken ? undefined : doc.getText(ROOT);
}

/** Opens, watches and closes one document. */
export class DocumentHandle {
  readonly #store: SyncStore;
  readonly #id: string;
  #users = 0;
  #closing: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ends: (() => void)[] = [];
  #doc: Y.Doc | undefined;
  #provider: LandfallProvider | undefined;
  #isOpening = false;
  /** Counts local edits, so that a finished save is known to be the last one's. */
  #edits = 0;
  #isSaved = true;
  #error: unknown;
  /** The text of a plain text, and the row of the list that it was read for. */
  #content: string | undefined;
  #read: ListedDocument | undefined;
  /** What `useDocument` gives. */
  view: OpenDocument;
  /** The same without the text. */
  #shown: Omit<OpenDocument, "text"> | undefined;

  constructor(store: SyncStore, documentId: string) {
    this.#store = store;
    this.#id = documentId;
    this.view = store.view(documentId);
  }

  /**
   * Counts a user. The returned function ends that; after the last one the document is closed, unless another user comes
   * at once, as on a change of pages or in React's strict mode.
   *
   * @param onClosed is called when nobody has it open any more
   */
  acquire(onClosed: () => void): () => void {
    this.#users += 1;
    clearTimeout(this.#closing);
    if (this.#ends.length === 0) this.#listen();
    this.open();
    return () => {
      this.#users -= 1;
      if (this.#users > 0) return;
      this.#closing = setTimeout(() => {
        for (const end of this.#ends) end();
        this.#ends = [];
        clearTimeout(this.#retry);
        this.close();
        onClosed();
      });
    };
  }

  /** Opens the document if it is not open. */
  open(): void {
    const isText = this.#store.view(this.#id).document?.kind === "text";
    if (this.#doc || this.#isOpening || this.#users === 0 || isText) return;
    this.#isOpening = true;
    this.#store.client
      .openDocument(this.#id)
      .then(
        (doc) => this.#bind(doc),
        (error: unknown) => (this.#error = error),
      )
      .finally(() => {
        this.#isOpening = false;
        if (this.#users === 0) this.close();
        this.#changed();
      });
  }

  /** Closes the document; if it is still in use, it is opened again as soon as it can be. */
  close(): void {
    this.#doc?.destroy();
  }

  /** Takes over what the list knows. */
  renew(): void {
    const doc = this.#doc;
    const { text: _text, ...known } = this.#store.view(this.#id);
    const error = known.document?.kind === "text" ? undefined : this.#error;
    const isPlain = known.document?.kind === "text";
    if (isPlain && known.document !== this.#read) this.#readContent(known.document);
    const content = isPlain ? this.#content : undefined;
    const shown = keep(this.#shown, { ...known, doc, provider: this.#provider, content, isSaved: this.#isSaved, error });
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.view = {
      ...shown,
      // Only who asks for the text decides that the root is one: an editor of rich text takes it as what it needs.
      get text() {
        return doc && textOf(doc);
      },
    };
  }

  /** Reads the text of a plain text, as often as the list has another row of it. */
  #readContent(document: ListedDocument | undefined): void {
    this.#read = document;
    this.#store.client.document(this.#id).then(
      (found) => {
        this.#content = found?.content;
        this.#changed();
      },
      (error: unknown) => console.error(error),
    );
  }

  #listen(): void {
    const { client } = this.#store;
    this.#ends = [
      client.on("unsaved", ({ document_id, error }) => {
        if (document_id !== this.#id) return;
        this.#error = error;
        this.#changed();
        clearTimeout(this.#retry);
        this.#retry = setTimeout(() => this.#save(), RETRY_MS);
      }),
      client.on("queued", ({ document_ids }) => {
        if (!this.#isSaved && document_ids.includes(this.#id)) this.#save();
      }),
    ];
  }

  /** Connects it, or ends that. */
  setLive(isLive: boolean): void {
    if (isLive) this.#provider?.connect();
    else this.#provider?.disconnect();
  }

  #bind(doc: Y.Doc): void {
    this.#doc = doc;
    this.#provider = new LandfallProvider(this.#store.client, doc, { connect: this.#store.isLive });
    this.#error = undefined;
    this.#isSaved = true;
    doc.on("update", (_update: Uint8Array, origin: unknown) => {
      if (origin === FROM_STORE) return;
      this.#edits += 1;
      this.#isSaved = false;
      this.#changed();
      this.#save();
    });
    doc.on("destroy", () => {
      this.#doc = undefined;
      this.#provider = undefined;
      this.#changed();
      // It began anew, or went away: opening it again tells which.
      this.open();
    });
  }

  #save(): void {
    const edits = this.#edits;
    const saved = () => {
      if (edits !== this.#edits || this.#isSaved) return;
      this.#isSaved = true;
      this.#error = undefined;
      this.#changed();
    };
    // A failure is told by the event `unsaved`, with the document that it concerns.
    this.#store.client.flush().then(saved, () => undefined);
  }

  #changed(): void {
    this.renew();
    this.#store.tell();
  }
}
