/** Monaco, bound to the `Y.Text` `content`. */
import * as monaco from "monaco-editor";
import { MonacoBinding } from "y-monaco";
import { main } from "./page.js";

// What its workers would do is not needed to write.
self.MonacoEnvironment = { getWorker: () => new Worker(URL.createObjectURL(new Blob([""]))) };

await main((doc, host) => {
  host.style.height = "300px";
  const editor = monaco.editor.create(host, { value: "", language: "plaintext", minimap: { enabled: false } });
  const model = editor.getModel();
  if (!model) throw new Error("Monaco has no model");
  // On every system, since positions count characters: a text holds line feeds.
  model.setEOL(monaco.editor.EndOfLineSequence.LF);
  new MonacoBinding(doc.getText("content"), model, new Set([editor]));
});
