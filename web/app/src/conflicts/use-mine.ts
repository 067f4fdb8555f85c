/**
 * This device's side of a conflict, as it is now.
 *
 * @module
 */
import type { Conflict } from "@landfall/client";
import { useDocument, useSync } from "@landfall/react";
import { useEffect, useState } from "react";
import { isRich } from "../editor/use-text.ts";
import type { Mine } from "./clash.ts";

/** This device's side, kept fresh while the conflict waits. */
export function useMine({ document_id: id, mine }: Conflict): Mine {
  const { client } = useSync();
  const { document, text } = useDocument(id);
  const [content, setContent] = useState(mine.content ?? "");
  const [isRichText, setRich] = useState(false);

  useEffect(() => {
    let wanted = true;
    const read = (): void => {
      setRich(isRich(text));
      void client.document(id).then((found) => found && wanted && setContent(found.content));
    };
    read();
    text?.observe(read);
    return () => {
      wanted = false;
      text?.unobserve(read);
    };
  }, [client, id, text, document]);

  return { title: mine.deleted ? mine.title : (document?.title ?? mine.title), content, deleted: mine.deleted, isRich: isRichText };
}
