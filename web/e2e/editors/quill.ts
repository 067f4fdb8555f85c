/** Quill, bound to the `Y.Text` `content`. */
import Quill from "quill";
import { QuillBinding } from "y-quill";
import { main } from "./page.js";

await main((doc, host) => {
  const quill = new Quill(host.appendChild(document.createElement("div")), { modules: { toolbar: false } });
  new QuillBinding(doc.getText("content"), quill);
});
