/** Tiptap, bound to the `Y.XmlFragment` `content`. */
import { Editor } from "@tiptap/core";
import { Collaboration } from "@tiptap/extension-collaboration";
import StarterKit from "@tiptap/starter-kit";
import { main } from "./page.js";

await main((doc, host) => {
  new Editor({
    element: host,
    extensions: [StarterKit.configure({ undoRedo: false }), Collaboration.configure({ document: doc, field: "content" })],
  });
});
