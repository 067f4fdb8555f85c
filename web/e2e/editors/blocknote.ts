/** BlockNote, bound to the `Y.XmlFragment` `content`. */
import { BlockNoteEditor } from "@blocknote/core";
import "@blocknote/core/style.css";
import { main } from "./page.js";

await main((doc, host) => {
  const editor = BlockNoteEditor.create({
    collaboration: {
      fragment: doc.getXmlFragment("content"),
      user: { name: "Ada", color: "#3366cc" },
      provider: {},
    },
  });
  editor.mount(host);
});
