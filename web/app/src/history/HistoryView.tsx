/**
 * The history of a document: who changed what, when; and the way back.
 *
 * @module
 */
import type { DocumentState } from "@landfall/client";
import { useDocument, useSync } from "@landfall/react";
import { listVersions } from "@landfall/client/workspace";
import { ArrowLeft } from "lucide-react";
import { useState, type ReactElement } from "react";
import { isRich, useText } from "../editor/use-text.ts";
import { Obstacle, useMayAsk } from "../remote/Obstacle.tsx";
import { usePages } from "../remote/use-remote.ts";
import { hrefOf } from "../route.ts";
import { shownTitle } from "../titles.ts";
import { VersionList } from "./VersionList.tsx";
import { VersionView, type Comparison } from "./VersionView.tsx";
import "./history.css";

/** Versions of a page. */
const PAGE_SIZE = 30;

/** The view of a document's history. */
export default function HistoryView({ id }: { id: string }): ReactElement {
  const { client, status } = useSync();
  const { document, state, text } = useDocument(id);
  const present = { title: document?.title, text: useText(client, id, text, document), isRich: isRich(text) };
  const mayAsk = useMayAsk();
  // Of a document that it never had, the server knows nothing.
  const when = mayAsk && document?.version !== 0;
  const versions = usePages(id, () => listVersions(client, id, { pageSize: PAGE_SIZE }), {
    when,
    fresh: `${document?.version}`,
  });
  const [chosen, setChosen] = useState<number>();
  const [comparison, setComparison] = useState<Comparison>("before");
  const { items } = versions;
  const found = items?.findIndex(({ version }) => version === chosen) ?? -1;
  const index = Math.max(0, found);
  const version = items?.[index];
  const viewer = { username: status?.username, device_id: status?.device_id };
  return (
    <section className="page history">
      <a className="way-back" href={hrefOf({ view: "document", id })}>
        <ArrowLeft aria-hidden /> Back to the document
      </a>
      <h1>History</h1>
      <p className="quiet">{present.title === undefined && !items ? "" : shownTitle(present.title ?? items?.[0]?.title ?? "")}</p>
      <Unsent id={id} state={state} isThere={document !== undefined} isKnown={(document?.version ?? 0) > 0} />
      {(!mayAsk || (when && versions.error !== undefined)) && (
        <Obstacle what="The history is kept on the server." error={versions.error} onRetry={versions.reload} />
      )}
      {versions.isLoading && <p className="opening">Opening…</p>}
      {items?.length === 0 && <p>The server has no version of this document yet.</p>}
      {items && version && (
        <div className="columns">
          <VersionList versions={versions} chosen={version.version} viewer={viewer} onChoose={setChosen} />
          <VersionView
            id={id}
            version={version}
            before={items[index + 1]}
            present={present}
            comparison={comparison}
            viewer={viewer}
            onCompare={setComparison}
          />
        </div>
      )}
    </section>
  );
}

/** Says what is not part of the history yet. */
function Unsent({
  id,
  state,
  isThere,
  isKnown,
}: {
  id: string;
  state: DocumentState;
  isThere: boolean;
  isKnown: boolean;
}): ReactElement | null {
  if (!isThere || state === "synced") return null;
  if (state === "conflict" || state === "failed") {
    const view = state === "conflict" ? ("conflicts" as const) : ("failed" as const);
    return (
      <p className="notice">
        A change of this device is not part of the history: it {state === "conflict" ? "clashes" : "was refused"}.{" "}
        <a href={hrefOf({ view })}>{state === "conflict" ? "Look at both sides" : "See what failed"}</a>
      </p>
    );
  }
  return (
    <p className="hint" role="status">
      {isKnown
        ? "The newest changes of this document are on this device only. They become a version with the next sync."
        : "This document is on this device only. Its history begins with the next sync."}{" "}
      <a href={hrefOf({ view: "document", id })}>Look at it</a>
    </p>
  );
}
