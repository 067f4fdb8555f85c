/**
 * A document's present text, for those who only read it.
 *
 * @module
 */
import { shown, type BatchSyncService, type LocalDocument } from "@landfall/client";
import { useEffect, useState } from "react";
import type * as Y from "yjs";

/** Whether it is rich text: its nodes count, and are no characters. */
export function isRich(text: Y.Text | undefined): boolean {
  return text !== undefined && text.length !== text.toString().length;
}

/** The text, kept fresh. Of rich text, what the server last told. */
export function useText(
  client: BatchSyncService,
  id: string,
  text: Y.Text | undefined,
  document: LocalDocument | undefined,
): string {
  const [content, setContent] = useState("");
  useEffect(() => {
    if (text && !isRich(text)) {
      const read = (): void => setContent(text.toString());
      read();
      text.observe(read);
      return () => text.unobserve(read);
    }
    let wanted = true;
    void client.document(id).then((found) => wanted && setContent(shown(found?.content ?? "")));
    return () => void (wanted = false);
  }, [client, id, text, document]);
  return content;
}
