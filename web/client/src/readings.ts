/**
 * The texts that were handed out, so that one that was changed and comes back can be merged with what others did meanwhile.
 *
 * @module
 */

/** As many texts are remembered, and as many characters in all. */
const MOST = { texts: 64, characters: 8_000_000 };

/** Remembers what was handed out last. */
export class Readings {
  /** By document and version, oldest first. */
  readonly #texts = new Map<string, string>();
  #characters = 0;

  /** Remembers a text of a version. */
  note(documentId: string, version: number, text: string): void {
    const key = `${documentId}/${version}`;
    this.#forget(key);
    this.#texts.set(key, text);
    this.#characters += text.length;
    for (const oldest of this.#texts.keys()) {
      if (this.#texts.size <= MOST.texts && this.#characters <= MOST.characters) return;
      this.#forget(oldest);
    }
  }

  /** The text that was last handed out of a version. */
  of(documentId: string, version: number | undefined): string | undefined {
    return this.#texts.get(`${documentId}/${version}`);
  }

  #forget(key: string): void {
    this.#characters -= this.#texts.get(key)?.length ?? 0;
    this.#texts.delete(key);
  }
}
