/** CodeMirror, bound to the `Y.Text` `content`. */
import { EditorView, minimalSetup } from "codemirror";
import { yCollab } from "y-codemirror.next";
import { main } from "./page.js";

await main((doc, host) => {
  const text = doc.getText("content");
  new EditorView({ doc: text.toString(), parent: host, extensions: [minimalSetup, yCollab(text, null)] });
});
