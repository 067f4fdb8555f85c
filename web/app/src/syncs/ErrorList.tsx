/**
 * Errors of operations, with the documents that they are about.
 *
 * @module
 */
import type { LocalDocument } from "@landfall/client";
import type { ReactElement } from "react";
import { hrefOf } from "../route.ts";
import { shownTitle } from "../titles.ts";

/** An error, as the server's history and this device's progress tell it alike. */
export interface ToldError {
  client_id: string | null;
  document_id?: string;
  code: string;
  message: string;
}

/** A list of errors. */
export function ErrorList({
  errors,
  documents,
}: {
  errors: readonly ToldError[];
  documents: readonly LocalDocument[];
}): ReactElement {
  const titles = new Map(documents.map(({ document_id, title }) => [document_id, title]));
  return (
    <ul className="errors" aria-label="Errors">
      {errors.map(({ client_id, document_id: id, code, message }, index) => {
        const title = id === undefined ? undefined : titles.get(id);
        return (
          <li key={`${client_id} ${index}`}>
            {id !== undefined && title !== undefined && <a href={hrefOf({ view: "document", id })}>{shownTitle(title)}</a>}{" "}
            {message} <code>{code}</code>
          </li>
        );
      })}
    </ul>
  );
}
