/**
 * Where others are in the text: their cursors and selections, each in a colour with a name, and this editor's own told to them.
 *
 * `y-codemirror.next` has the like, with whose fields this one agrees; but it writes colours into `style` attributes, which
 * the page's policy forbids.
 *
 * @module
 */
import { personOf, type OpenDocument, type Person } from "@landfall/react";
import { Annotation, type EditorState, type Extension, type Range } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin, WidgetType, type DecorationSet, type ViewUpdate } from "@codemirror/view";
import * as Y from "yjs";

type Awareness = NonNullable<OpenDocument["provider"]>["awareness"];

/** A change of others' cursors alone. */
const moved = Annotation.define<true>();

/** A cursor as it is told: both ends of the selection, by their places in the Yjs text. */
interface Cursor {
  anchor: unknown;
  head: unknown;
}

class Caret extends WidgetType {
  readonly #person: Person;

  constructor(person: Person) {
    super();
    this.#person = person;
  }

  override eq(other: Caret): boolean {
    return other.#person.name === this.#person.name && other.#person.color === this.#person.color;
  }

  override toDOM(): HTMLElement {
    const caret = document.createElement("span");
    caret.className = "cm-other-caret";
    caret.setAttribute("aria-hidden", "true");
    // Shown by the style sheet: a name is no part of the text.
    caret.dataset["name"] = this.#person.name;
    caret.style.setProperty("--color", this.#person.color);
    return caret;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

const look = EditorView.baseTheme({
  ".cm-other-caret": {
    position: "relative",
    borderLeft: "2px solid var(--color)",
    marginLeft: "-1px",
    marginRight: "-1px",
    pointerEvents: "none",
  },
  ".cm-other-caret::after": {
    content: "attr(data-name)",
    position: "absolute",
    top: "-1.2em",
    left: "-2px",
    padding: "0 0.3em",
    borderRadius: "0.25em 0.25em 0.25em 0",
    backgroundColor: "var(--color)",
    color: "#ffffff",
    fontFamily: "var(--face-font)",
    fontSize: "0.65rem",
    lineHeight: "1.3",
    whiteSpace: "nowrap",
    maxWidth: "12em",
    overflow: "hidden",
    textOverflow: "ellipsis",
    zIndex: "3",
  },
});

/** Shows others' cursors in the text, and tells them this one's. */
export function otherCursors(text: Y.Text, awareness: Awareness): Extension {
  class OtherCursors {
    decorations: DecorationSet;
    readonly #stop: () => void;

    constructor(view: EditorView) {
      const changed = ({ added, updated, removed }: Record<"added" | "updated" | "removed", number[]>): void => {
        const isOwn = [...added, ...updated, ...removed].every((client) => client === awareness.clientID);
        // Not from within an update of this very view, as when a key moves its own cursor.
        if (!isOwn) queueMicrotask(() => this.#isHere && view.dispatch({ annotations: moved.of(true) }));
      };
      awareness.on("change", changed);
      this.#stop = () => awareness.off("change", changed);
      this.decorations = cursorsIn(view.state, text, awareness);
    }

    #isHere = true;

    update({ view, state, docChanged, selectionSet, focusChanged, transactions }: ViewUpdate): void {
      if (docChanged || selectionSet || focusChanged) tellCursor(view, text, awareness);
      const hasMoved = transactions.some((transaction) => transaction.annotation(moved));
      if (docChanged || hasMoved) this.decorations = cursorsIn(state, text, awareness);
    }

    destroy(): void {
      this.#isHere = false;
      this.#stop();
      awareness.setLocalStateField("cursor", null);
    }
  }
  return [look, ViewPlugin.fromClass(OtherCursors, { decorations: ({ decorations }) => decorations })];
}

/** Tells the others where the cursor is. While one looks elsewhere it stays where it was. */
function tellCursor(view: EditorView, text: Y.Text, awareness: Awareness): void {
  const told = awareness.getLocalState();
  if (told === null || !view.hasFocus) return;
  const { anchor, head } = view.state.selection.main;
  const place = (index: number): unknown => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, index));
  const cursor: Cursor = { anchor: place(anchor), head: place(head) };
  if (JSON.stringify(told["cursor"]) !== JSON.stringify(cursor)) awareness.setLocalStateField("cursor", cursor);
}

function cursorsIn(state: EditorState, text: Y.Text, awareness: Awareness): DecorationSet {
  const ranges: Range<Decoration>[] = [];
  for (const [client, told] of awareness.getStates()) {
    if (client === awareness.clientID) continue;
    const person = personOf(client, told);
    const [anchor, head] = placesOf(person.cursor, text);
    if (anchor === undefined || head === undefined) continue;
    const [at, from, to] = [head, Math.min(anchor, head), Math.max(anchor, head)].map((place) => Math.min(place, state.doc.length));
    if (at === undefined || from === undefined || to === undefined) continue;
    const attributes = { style: `background-color: ${person.colorLight}` };
    if (to > from) ranges.push(Decoration.mark({ attributes, class: "cm-other-selection" }).range(from, to));
    ranges.push(Decoration.widget({ widget: new Caret(person), side: head > anchor ? -1 : 1 }).range(at));
  }
  return Decoration.set(ranges, true);
}

/** Where a cursor's ends are in the text now; what others say of it may be anything. */
function placesOf(cursor: unknown, text: Y.Text): (number | undefined)[] {
  const { anchor, head } = (cursor ?? {}) as Partial<Cursor>;
  return [anchor, head].map((told) => {
    if (typeof told !== "object" || told === null || !text.doc) return undefined;
    try {
      const place = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(told), text.doc);
      return place?.type === text ? place.index : undefined;
    } catch {
      return undefined;
    }
  });
}
