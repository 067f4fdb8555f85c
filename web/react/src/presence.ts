/**
 * Who else is in a document.
 *
 * @module
 */
import type { LandfallProvider } from "@landfall/client";

/** How somebody is shown to the others, by the names that editors' bindings know. */
export interface Appearance {
  name: string;
  /** Of the cursor; a CSS colour in hexadecimal, six digits. */
  color: string;
  /** Of selections: the same, lighter. */
  colorLight: string;
}

/** Somebody else who has the document open. One person may be there twice, with two devices. */
export interface Person extends Appearance {
  /** Tells the editors apart; the `clientID` of the other one's `Y.Doc`. */
  clientId: number;
  /** Where the cursor is, as the editor's binding has it; absent while the other one is elsewhere. */
  cursor: unknown;
}

/** What {@link usePresence} gives. */
export interface Presence {
  /** Those who are there. */
  readonly others: readonly Person[];
}

/** Nobody. */
export const NOBODY: Presence = { others: [] };

/** Dark enough for white letters on them. */
const COLORS = ["#b3261e", "#8a4b00", "#5b6300", "#1d6f42", "#006a74", "#2459b8", "#6a3fb5", "#a02c78"];

/** How somebody is shown: in a colour that goes with the name, if none is given. */
export function appearanceOf({ name, color }: { name: string; color?: string }): Appearance {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  const chosen = color ?? COLORS[hash % COLORS.length] ?? "#2459b8";
  return { name, color: chosen, colorLight: `${chosen}33` };
}

/** Somebody as a state of an awareness tells. Whatever others say is only taken if it is what it should be. */
export function personOf(clientId: number, state: Record<string, unknown>): Person {
  const user = (state["user"] ?? {}) as Record<string, unknown>;
  const name = typeof user["name"] === "string" ? user["name"].slice(0, 100) : "Somebody";
  const color = typeof user["color"] === "string" && /^#[0-9a-f]{6}$/i.test(user["color"]) ? { color: user["color"] } : {};
  return { clientId, ...appearanceOf({ name, ...color }), cursor: state["cursor"] ?? undefined };
}

/** The others of a provider; the same object as long as nobody comes, goes or moves. */
export class Others {
  readonly #awareness: LandfallProvider["awareness"];
  #presence: Presence | undefined;

  constructor({ awareness }: LandfallProvider) {
    this.#awareness = awareness;
  }

  /** Listens to changes. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const changed = (): void => {
      this.#presence = undefined;
      listener();
    };
    this.#awareness.on("change", changed);
    return () => this.#awareness.off("change", changed);
  };

  /** Who is there. */
  readonly read = (): Presence => {
    const { clientID } = this.#awareness;
    const states = [...this.#awareness.getStates()].filter(([client]) => client !== clientID);
    this.#presence ??= { others: states.map(([client, state]) => personOf(client, state)) };
    return this.#presence;
  };
}
