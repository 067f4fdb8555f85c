/**
 * One document: its title, its text, and how it stands.
 *
 * @module
 */
import { useDocument, useSync } from "@landfall/react";
import { ArrowLeft, Eye, History, PenLine, Trash2 } from "lucide-react";
import { Suspense, useEffect, useState, type ReactElement } from "react";
import { Badge } from "../documents/Badge.tsx";
import { deleteDocument, useTellDeletion } from "../documents/deletion.ts";
import { go, hrefOf } from "../route.ts";
import { part } from "../shell/part.ts";
import { ViewBoundary } from "../shell/ViewBoundary.tsx";
import { ago, moment } from "../times.ts";
import { useMayWrite } from "../workspace.ts";
import { MarkdownEditor } from "./MarkdownEditor.tsx";
import { PlainTextEditor } from "./PlainTextEditor.tsx";
import { TitleField } from "./TitleField.tsx";
import { isRich as isRichText, useText } from "./use-text.ts";

const Preview = part(() => import("./Preview.tsx"));

/** The view of one document. */
export default function DocumentView({ id }: { id: string }): ReactElement {
  const opened = useDocument(id);
  const { client } = useSync();
  const mayWrite = useMayWrite();
  const [isReading, setReading] = useState(false);
  const [isNaming, setNaming] = useState(false);
  const [isTyping, setTyping] = useState(false);
  const [refusal, setRefusal] = useState<unknown>();
  const tellDeletion = useTellDeletion();
  const { document, doc, state, text, isSaved, error, conflict, deadLetter } = opened;
  const content = useText(client, id, text, document);

  useEffect(() => {
    if (document) window.document.title = `${document.title} · Landfall`;
    return () => void (window.document.title = "Landfall");
  }, [document]);

  const problem = error ?? refusal;
  const isHere = isSaved && !isNaming && !isTyping;
  useWarning(!isHere && problem !== undefined);

  async function remove(): Promise<void> {
    if (!document) return;
    try {
      tellDeletion(await deleteDocument(client, document, doc));
    } catch (refused) {
      return setRefusal(refused);
    }
    // The button that had the focus goes away with this view.
    window.document.getElementById("view")?.focus();
    go({ view: "home" });
  }

  if (!document) return error === undefined ? <p className="opening">Opening…</p> : <Gone />;
  const isRich = isRichText(text);
  return (
    <article className="document">
      <h1 className="unseen">{document.title}</h1>
      <header>
        <a className="back" href="#/" aria-label="Back to the list">
          <ArrowLeft aria-hidden />
        </a>
        <TitleField
          title={document.title}
          version={document.version}
          onRename={(title, base_version) => client.queueUpdate(id, { title, base_version })}
          onTyping={setNaming}
          isReadOnly={!mayWrite}
        />
        <div className="tools">
          <button aria-pressed={isReading} onClick={() => setReading(!isReading)} title="Preview">
            {isReading ? <PenLine aria-hidden /> : <Eye aria-hidden />}
            <span className="wide">Preview</span>
          </button>
          <a className="button" href={hrefOf({ view: "history", id })} title="History">
            <History aria-hidden />
            <span className="wide">History</span>
          </a>
          {mayWrite && (
            <button
              className="quiet-button"
              title="Delete"
              aria-label="Delete"
              onClick={() => void remove().catch(setRefusal)}
            >
              <Trash2 aria-hidden />
            </button>
          )}
        </div>
      </header>
      <p className="standing">
        <Badge state={state} />
        <span role="status">{isHere ? "Saved on this device" : problem === undefined ? "Saving…" : "Not saved"}</span>
        {document.updated_by !== "" && (
          <span className="quiet" title={moment(document.updated_at)}>
            last synced change by {document.updated_by}, {ago(document.updated_at)}
          </span>
        )}
      </p>
      {conflict && (
        <p className="notice" role="alert">
          This document and the server’s copy clash.{" "}
          <a href={hrefOf({ view: "conflicts", id: conflict.client_id })}>Look at both sides</a>
        </p>
      )}
      {deadLetter && (
        <p className="notice" role="alert">
          The server refused a change of this document: {deadLetter.error.message}{" "}
          <a href={hrefOf({ view: "failed" })}>See what failed</a>
        </p>
      )}
      {problem !== undefined && (
        <p className="notice problem" role="alert">
          {problem instanceof Error ? problem.message : String(problem)}
        </p>
      )}
      <div className={isReading || isRich ? "panes reading" : "panes"}>
        {isRich ? null : text ? (
          <MarkdownEditor text={text} isReadOnly={!mayWrite} />
        ) : document.kind === "text" ? (
          <PlainTextEditor
            key={id}
            content={content}
            version={document.version}
            onEdit={(next, base_version) => client.queueUpdate(id, { content: next, base_version })}
            onTyping={setTyping}
            onProblem={setRefusal}
            isReadOnly={!mayWrite}
          />
        ) : (
          <p className="opening">Opening…</p>
        )}
        {(isReading || isRich) && (
          <ViewBoundary>
            <Suspense fallback={<p className="opening">Opening…</p>}>
              <Preview text={content} note={isRich ? "Written in a rich text editor: it can be read here." : undefined} />
            </Suspense>
          </ViewBoundary>
        )}
      </div>
    </article>
  );
}

/** Asks before the page is left, while something on it could not be saved. */
function useWarning(isNeeded: boolean): void {
  useEffect(() => {
    if (!isNeeded) return;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isNeeded]);
}

function Gone(): ReactElement {
  return (
    <section className="page">
      <h1>There is no such document here</h1>
      <p>
        It was <a href={hrefOf({ view: "deleted" })}>deleted</a>, or has not come to this device yet.
      </p>
      <a href="#/">Back to the list</a>
    </section>
  );
}
