/**
 * What is shown while no document is open: how to begin, and what others did.
 *
 * @module
 */
import { useDocuments, useSync } from "@landfall/react";
import type { ReactElement } from "react";
import { hrefOf } from "../route.ts";
import { ago } from "../times.ts";
import { shownTitle } from "../titles.ts";
import { useMayWrite } from "../workspace.ts";

/** How many changes of others are told. */
const TOLD = 8;

/** The first view. */
export function Home(): ReactElement {
  const { documents, isLoading } = useDocuments();
  const { status } = useSync();
  const mayWrite = useMayWrite();
  const others = documents
    .filter(({ updated_by }) => updated_by !== "" && updated_by !== status?.username)
    .sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1))
    .slice(0, TOLD);
  return (
    <section className="page home">
      <h1>{status?.username ? `Hello, ${status.username}` : "Write, with or without a network"}</h1>
      <p>
        Everything that you write is kept on this device first, in this browser, and is there again after a reload, on a
        train, or on a ship. {status?.logged_in ? "It is synced" : "Once you log in, it is sent"} in one go, and what
        others wrote meanwhile is merged with it.
      </p>
      {!isLoading && documents.length === 0 && mayWrite && <p>Begin with “New document”.</p>}
      {others.length > 0 && (
        <>
          <h2>What others changed</h2>
          <ul className="rows">
            {others.map(({ document_id: id, title, updated_by, updated_at }) => (
              <li key={id}>
                <a href={hrefOf({ view: "document", id })}>{shownTitle(title)}</a>
                <span className="quiet">
                  {updated_by}, <time dateTime={updated_at}>{ago(updated_at)}</time>
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
