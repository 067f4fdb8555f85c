/**
 * One document: its title, its text, and how it stands.
 *
 * @module
 */
import { useDocument, usePresence, useSync, type ListedDocument, type OpenDocument, type Person } from "@landfall/react";
import { ArrowLeft, Eye, History, PenLine, Trash2 } from "lucide-react";
import { Suspense, useEffect, useState, type ReactElement } from "react";
import type * as Y from "yjs";
import { Badge } from "../documents/Badge.tsx";
import { deleteDocument, useTellDeletion } from "../documents/deletion.ts";
import { go, hrefOf } from "../route.ts";
import { part } from "../shell/part.ts";
import { ViewBoundary } from "../shell/ViewBoundary.tsx";
import { ago, moment } from "../times.ts";
import { shownTitle } from "../titles.ts";
import { useMayWrite } from "../workspace.ts";
import { LiveNotice } from "./LiveNotice.tsx";
import { MarkdownEditor } from "./MarkdownEditor.tsx";
import { People } from "./People.tsx";
import { PlainTextEditor } from "./PlainTextEditor.tsx";
import { TitleField } from "./TitleField.tsx";
import { isRich as isRichText, useText } from "./use-text.ts";

const Preview = part(() => import("./Preview.tsx"));

const RICH = "Written in a rich text editor: it can be read here.";

/** The view of one document. */
export default function DocumentView({ id }: { id: string }): ReactElement {
  const opened = useDocument(id);
  const { client, status } = useSync();
  const { others } = usePresence(id, status?.username === undefined ? undefined : { name: status.username });
  const mayWrite = useMayWrite();
  const [isReading, setReading] = useState(false);
  const [isNaming, setNaming] = useState(false);
  const [isTyping, setTyping] = useState(false);
  const [refusal, setRefusal] = useState<unknown>();
  const tellDeletion = useTellDeletion();
  const { document, doc, provider, text, isSaved, error, conflict, deadLetter } = opened;
  const content = useText(client, id, text, document);

  useEffect(() => {
    if (document) window.document.title = `${shownTitle(document.title)} · Landfall`;
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
  return (
    <article className="document">
      <h1 className="unseen">{shownTitle(document.title)}</h1>
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
        <Tools
          id={id}
          isReading={isReading}
          onRead={setReading}
          onDelete={mayWrite ? () => void remove().catch(setRefusal) : undefined}
        />
      </header>
      <Standing document={document} isHere={isHere} isStuck={problem !== undefined} others={others} />
      <Notices conflict={conflict} deadLetter={deadLetter} problem={problem} />
      <LiveNotice provider={provider} />
      <Panes
        document={document}
        text={text}
        provider={provider}
        content={content}
        isReading={isReading}
        isReadOnly={!mayWrite}
        onEdit={(next, base_version) => client.queueUpdate(id, { content: next, base_version })}
        onTyping={setTyping}
        onProblem={setRefusal}
      />
    </article>
  );
}

/** What can be done with the document. */
function Tools({
  id,
  isReading,
  onRead,
  onDelete,
}: {
  id: string;
  isReading: boolean;
  onRead: (isReading: boolean) => void;
  /** Absent where it may not be deleted. */
  onDelete: (() => void) | undefined;
}): ReactElement {
  return (
    <div className="tools">
      <button aria-pressed={isReading} onClick={() => onRead(!isReading)} title="Preview">
        {isReading ? <PenLine aria-hidden /> : <Eye aria-hidden />}
        <span className="wide">Preview</span>
      </button>
      <a className="button" href={hrefOf({ view: "history", id })} title="History">
        <History aria-hidden />
        <span className="wide">History</span>
      </a>
      {onDelete && (
        <button className="quiet-button" title="Delete" aria-label="Delete" onClick={onDelete}>
          <Trash2 aria-hidden />
        </button>
      )}
    </div>
  );
}

/** How it stands: here, and on the server. */
function Standing({
  document: { state, updated_by, updated_at },
  isHere,
  isStuck,
  others,
}: {
  document: ListedDocument;
  isHere: boolean;
  isStuck: boolean;
  others: readonly Person[];
}): ReactElement {
  return (
    <div className="standing">
      <Badge state={state} />
      <span role="status">{isHere ? "Saved on this device" : isStuck ? "Not saved" : "Saving…"}</span>
      {updated_by !== "" && (
        <span className="quiet" title={moment(updated_at)}>
          last synced change by {updated_by}, {ago(updated_at)}
        </span>
      )}
      <People others={others} />
    </div>
  );
}

/** The text, to be written, to be read, or both. */
function Panes({
  document: { document_id, kind, version },
  text,
  provider,
  content,
  isReading,
  isReadOnly,
  onEdit,
  onTyping,
  onProblem,
}: {
  document: ListedDocument;
  text: Y.Text | undefined;
  provider: OpenDocument["provider"];
  content: string;
  isReading: boolean;
  isReadOnly: boolean;
  onEdit: (content: string, version: number) => Promise<unknown>;
  onTyping: (isTyping: boolean) => void;
  onProblem: (problem: unknown) => void;
}): ReactElement {
  const isRich = isRichText(text);
  const plain = { content, version, isReadOnly, onEdit, onTyping, onProblem };
  return (
    <div className={isReading || isRich ? "panes reading" : "panes"}>
      {isRich ? null : text ? (
        <MarkdownEditor id={document_id} text={text} provider={provider} isReadOnly={isReadOnly} />
      ) : kind === "text" ? (
        <PlainTextEditor key={document_id} {...plain} />
      ) : (
        <p className="opening">Opening…</p>
      )}
      {(isReading || isRich) && (
        <ViewBoundary>
          <Suspense fallback={<p className="opening">Opening…</p>}>
            <Preview text={content} note={isRich ? RICH : undefined} />
          </Suspense>
        </ViewBoundary>
      )}
    </div>
  );
}

/** What needs somebody's look. */
function Notices({
  conflict,
  deadLetter,
  problem,
}: Pick<OpenDocument, "conflict" | "deadLetter"> & { problem: unknown }): ReactElement {
  return (
    <>
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
    </>
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
