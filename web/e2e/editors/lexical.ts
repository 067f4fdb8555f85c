/** Lexical, bound to the `Y.XmlText` `root`, which it names by itself. */
import { registerRichText } from "@lexical/rich-text";
import { createBinding, syncLexicalUpdateToYjs, syncYjsChangesToLexical, type Provider } from "@lexical/yjs";
import { createEditor } from "lexical";
import { Awareness } from "y-protocols/awareness";
import { main } from "./page.js";

await main((doc, host) => {
  const field = host.appendChild(document.createElement("div"));
  field.contentEditable = "true";
  const editor = createEditor({ onError: (error) => console.error(error) });
  registerRichText(editor);
  // The client does what a provider is for; the binding only wants to know who else is there.
  const nothing = (): void => undefined;
  const awareness = new Awareness(doc) as unknown as Provider["awareness"];
  const provider: Provider = { awareness, connect: nothing, disconnect: nothing, on: nothing, off: nothing };
  const binding = createBinding(editor, provider, "document", doc, new Map());
  binding.root.getSharedType().observeDeep((events, transaction) => {
    if (transaction.origin !== binding) syncYjsChangesToLexical(binding, provider, events, false);
  });
  editor.registerUpdateListener((update) => {
    const { prevEditorState, editorState, dirtyElements, dirtyLeaves, normalizedNodes, tags } = update;
    if (tags.has("skip-collab")) return;
    syncLexicalUpdateToYjs(binding, provider, prevEditorState, editorState, dirtyElements, dirtyLeaves, normalizedNodes, tags);
  });
  editor.setRootElement(field);
  // What is in the document already comes as if it were told now.
  const root = binding.root.getSharedType();
  const events = [{ target: root, delta: root.toDelta(), keysChanged: new Set(), childListChanged: true }];
  editor.update(() => binding.root.applyChildrenYjsDelta(binding, events[0]!.delta), { tag: "skip-collab", discrete: true });
  editor.update(() => binding.root.syncChildrenFromYjs(binding), { tag: "skip-collab", discrete: true });
});
