/**
 * CodeMirror on a Yjs text: what is typed is queued, what others typed appears.
 *
 * @module
 */
import { defaultKeymap } from "@codemirror/commands";
import { markdownKeymap, markdownLanguage } from "@codemirror/lang-markdown";
import { LanguageSupport } from "@codemirror/language";
import { searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightSpecialChars, keymap, placeholder } from "@codemirror/view";
import type { OpenDocument } from "@landfall/react";
import { useEffect, useRef, type ReactElement } from "react";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import * as Y from "yjs";
import { appearance } from "./appearance.ts";
import { takeKeys } from "./early-keys.ts";
import { otherCursors } from "./other-cursors.ts";
import { shadowOf } from "./shadow.ts";

/** An editor of a document's text; where it may only be read, the text can be gone through and copied all the same. */
export function MarkdownEditor({
  id,
  text,
  provider,
  isReadOnly,
}: {
  id: string;
  text: Y.Text;
  /** Knows who else is there. */
  provider: OpenDocument["provider"];
  isReadOnly: boolean;
}): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!host.current) return;
    const root = shadowOf(host.current);
    const undoManager = new Y.UndoManager(text);
    const view = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: text.toString(),
        extensions: [
          keymap.of([...yUndoManagerKeymap, ...markdownKeymap, ...searchKeymap, ...defaultKeymap]),
          // Without `markdown()`, which brings parsers for HTML, CSS and JavaScript along: half of what this view loads.
          new LanguageSupport(markdownLanguage),
          highlightSpecialChars(),
          drawSelection(),
          EditorState.readOnly.of(isReadOnly),
          ...(isReadOnly ? [] : [placeholder("Write here")]),
          yCollab(text, null, { undoManager }),
          ...(provider ? [otherCursors(text, provider.awareness)] : []),
          EditorView.contentAttributes.of({ "aria-label": "Text", spellcheck: "true", autocorrect: "on" }),
          appearance,
        ],
      }),
    });
    const early = takeKeys(id);
    if (early) {
      const end = view.state.doc.length;
      view.dispatch({ changes: { from: end, insert: early.typed }, selection: { anchor: end + early.typed.length } });
      if (early.hasFocus) view.focus();
    }
    return () => {
      view.destroy();
      undoManager.destroy();
    };
  }, [id, text, provider, isReadOnly]);
  return <div className="writing" ref={host} />;
}
