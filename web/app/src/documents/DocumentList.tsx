/**
 * All documents of this device, and the way to a new one.
 *
 * @module
 */
import { useDocuments, useSync, type ListedDocument } from "@landfall/react";
import { FilePlus2 } from "lucide-react";
import { memo, useDeferredValue, useEffect, useMemo, useRef, useState, type ReactElement } from "react";
import { catchFor, catchKeys, releaseKeys } from "../editor/early-keys.ts";
import { go, hrefOf } from "../route.ts";
import { ago } from "../times.ts";
import { shownTitle, UNTITLED } from "../titles.ts";
import { useMayWrite } from "../workspace.ts";
import { Badge } from "./Badge.tsx";

/** As many rows are drawn at once: more of them are in view nowhere, and ten thousand take seconds. */
const ROWS = 500;

/** The list at the side. */
export function DocumentList({ current }: { current: string | undefined }): ReactElement {
  const { documents, isLoading, create } = useDocuments();
  const { status } = useSync();
  const mayWrite = useMayWrite();
  const [wanted, setWanted] = useState("");
  const [most, setMost] = useState(ROWS);
  const [problem, setProblem] = useState<string>();
  const sought = useDeferredValue(wanted.trim().toLocaleLowerCase());
  const found = useMemo(
    () => (sought === "" ? documents : documents.filter(({ title }) => shownTitle(title).toLocaleLowerCase().includes(sought))),
    [documents, sought],
  );

  async function make(): Promise<void> {
    // The focus leaves the button at once: the next keys are meant for the text.
    catchKeys();
    try {
      const id = await create({ title: freeTitle(documents) });
      catchFor(id);
      go({ view: "document", id });
      setProblem(undefined);
    } catch (error) {
      releaseKeys();
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <div className="list">
      {mayWrite && (
        <button className="new-document" onClick={() => void make()}>
          <FilePlus2 aria-hidden />
          New document
        </button>
      )}
      {problem !== undefined && (
        <p className="problem" role="alert">
          No document was made: {problem}.
        </p>
      )}
      {documents.length > 7 && (
        <input
          type="search"
          aria-label="Search titles"
          placeholder="Search titles"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
      )}
      <nav aria-label="Documents">
        <ul>
          {found.slice(0, most).map((document) => (
            <Row
              key={document.document_id}
              document={document}
              isCurrent={document.document_id === current}
              me={status?.username}
            />
          ))}
        </ul>
        {found.length > most && <More left={found.length - most} show={() => setMost(most + ROWS)} />}
        {!isLoading && found.length === 0 && (
          <p className="quiet empty">{sought === "" ? "No documents yet." : "No title has that in it."}</p>
        )}
      </nav>
    </div>
  );
}

/** The way to further rows; who scrolls there need not press it. */
function More({ left, show }: { left: number; show: () => void }): ReactElement {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!button.current || typeof IntersectionObserver === "undefined") return;
    const watching = new IntersectionObserver((seen) => seen.some(({ isIntersecting }) => isIntersecting) && show());
    watching.observe(button.current);
    return () => watching.disconnect();
  }, [show]);
  return (
    <button ref={button} className="small-button" onClick={show}>
      Show more ({left.toLocaleString("en")})
    </button>
  );
}

/** A title that no document has, so that the new one can be told from the others. */
function freeTitle(documents: readonly ListedDocument[]): string {
  const taken = new Set(documents.map(({ title }) => shownTitle(title).toLocaleLowerCase()));
  for (let number = 1; ; number += 1) {
    const title = number === 1 ? UNTITLED : `${UNTITLED} ${number}`;
    if (!taken.has(title.toLocaleLowerCase())) return title;
  }
}

const Row = memo(function Row({
  document,
  isCurrent,
  me,
}: {
  document: ListedDocument;
  isCurrent: boolean;
  me: string | undefined;
}): ReactElement {
  const { document_id: id, title, updated_at, updated_by, state } = document;
  const who = updated_by === "" || updated_by === me ? "" : `${updated_by}, `;
  return (
    <li>
      <a href={hrefOf({ view: "document", id })} aria-current={isCurrent ? "page" : undefined}>
        <span className="title">{shownTitle(title)}</span>
        <span className="when">
          {who}
          {ago(updated_at)}
        </span>
        <Badge state={state} />
      </a>
    </li>
  );
});
