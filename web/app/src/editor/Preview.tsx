/**
 * Markdown as it will be read.
 *
 * @module
 */
import MarkdownIt from "markdown-it";
import { useMemo, type ReactElement } from "react";

// HTML in a document is shown as text: documents come from other people. markdown-it lets no `javascript:` link through.
const renderer = new MarkdownIt({ html: false, linkify: true });

// No outside host is asked for anything, so that nobody learns who reads: an image is told by its text.
renderer.renderer.rules["image"] = (tokens, index) => {
  const token = tokens[index];
  return `<span class="image">${renderer.utils.escapeHtml(token?.content || "image")}</span>`;
};

renderer.renderer.rules["link_open"] = (tokens, index, options, _env, self) => {
  tokens[index]?.attrSet("rel", "noopener noreferrer nofollow");
  tokens[index]?.attrSet("target", "_blank");
  return self.renderToken(tokens, index, options);
};

/** A text, rendered. */
export default function Preview({ text, note }: { text: string; note?: string | undefined }): ReactElement {
  const html = useMemo(() => renderer.render(text), [text]);
  return (
    <div className="preview" role="region" aria-label="Preview" tabIndex={0}>
      {note !== undefined && <p className="hint">{note}</p>}
      <div dangerouslySetInnerHTML={{ __html: html }} />
    </div>
  );
}
