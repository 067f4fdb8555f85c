/**
 * Who is in a document, and where: relayed, never stored.
 *
 * @module
 */
import { applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates, type Awareness } from "y-protocols/awareness";
import type { Clock } from "../clock.js";
import { awarenessFrame } from "./frames.js";

/** The server passes on what an editor says of itself twenty times a second at most. */
const PAUSE_MS = 50;

interface Change {
  added: number[];
  updated: number[];
  removed: number[];
}

/** Keeps an awareness in step with the others'. */
export class Presence {
  readonly #awareness: Awareness;
  readonly #clock: Clock;
  readonly #send: (frame: Uint8Array) => unknown;
  readonly #onUpdate: (change: Change, origin: unknown) => void;
  #timer: unknown;
  #isNew = false;
  /** What frames call the document. */
  name = "";

  constructor(awareness: Awareness, clock: Clock, send: (frame: Uint8Array) => unknown) {
    this.#awareness = awareness;
    this.#clock = clock;
    this.#send = send;
    this.#onUpdate = ({ added, updated, removed }, origin) => {
      const isOwn = [...added, ...updated, ...removed].includes(awareness.clientID);
      if (isOwn && origin !== this) this.#sayPaced();
    };
    awareness.on("update", this.#onUpdate);
  }

  /** Says where this editor is, to a server that has not heard of it yet. */
  sayHello(): void {
    // One step on: who has heard that it went takes nothing else for news.
    const state = this.#awareness.getLocalState();
    if (state !== null) this.#awareness.setLocalState(state);
  }

  /** Says that this editor goes. */
  sayGoodbye(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#awareness.getLocalState() === null) return;
    const { clientID } = this.#awareness;
    const gone = new Map([...this.#awareness.states].filter(([client]) => client !== clientID));
    this.#send(awarenessFrame(this.name, encodeAwarenessUpdate(this.#awareness, [clientID], gone)));
  }

  /** Takes in what others say. */
  hear(update: Uint8Array): void {
    applyAwarenessUpdate(this.#awareness, update, this);
  }

  /** Nobody else is heard of any more. */
  forgetOthers(): void {
    const others = [...this.#awareness.getStates().keys()].filter((client) => client !== this.#awareness.clientID);
    removeAwarenessStates(this.#awareness, others, this);
    // Who is there still says the same again, which would be no news.
    for (const client of others) this.#awareness.meta.delete(client);
  }

  /** It will not be used any more. */
  destroy(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#awareness.off("update", this.#onUpdate);
  }

  /** At once, and what follows soon after together. */
  #sayPaced(): void {
    if (this.#timer !== undefined) {
      this.#isNew = true;
      return;
    }
    this.#say();
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      if (this.#isNew) this.#sayPaced();
    }, PAUSE_MS);
  }

  #say(): void {
    this.#isNew = false;
    this.#send(awarenessFrame(this.name, encodeAwarenessUpdate(this.#awareness, [this.#awareness.clientID])));
  }
}
