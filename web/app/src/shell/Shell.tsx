/**
 * The frame around every view: header, list, and the view that the address names.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { ArrowLeft } from "lucide-react";
import { Suspense, useState, type MouseEvent, type ReactElement } from "react";
import { DeletionContext, type Deletion } from "../documents/deletion.ts";
import { DeletionNotice } from "../documents/DeletionNotice.tsx";
import { DocumentList } from "../documents/DocumentList.tsx";
import { LostNotice } from "../documents/LostNotice.tsx";
import { Home } from "../documents/Home.tsx";
import type { Update } from "../installation.ts";
import { useOtherTabsChoice } from "../offline.ts";
import { useRoute, type Route } from "../route.ts";
import { Header } from "./Header.tsx";
import { part } from "./part.ts";
import { SyncPanel } from "./SyncPanel.tsx";
import { ViewBoundary } from "./ViewBoundary.tsx";
import { ViewLinks } from "./ViewLinks.tsx";

const DocumentView = part(() => import("../editor/DocumentView.tsx"));
const HistoryView = part(() => import("../history/HistoryView.tsx"));
const ConflictsView = part(() => import("../conflicts/ConflictsView.tsx"));
const FailedView = part(() => import("../failed/FailedView.tsx"));
const DeletedView = part(() => import("../documents/DeletedView.tsx"));
const SyncsView = part(() => import("../syncs/SyncsView.tsx"));
const SharingView = part(() => import("../sharing/SharingView.tsx"));
const AccountView = part(() => import("../person/AccountView.tsx"));

/** The frame. */
export function Shell({ update }: { update: Update | undefined }): ReactElement {
  const route = useRoute();
  const { status } = useSync();
  const [deletion, setDeletion] = useState<Deletion>();
  useOtherTabsChoice();
  return (
    <div className="shell" data-view={route.view}>
      <a className="skip" href="#view" onClick={skip}>
        Skip to the text
      </a>
      <Header />
      <SyncPanel />
      <div className="notices">
        {update && (
          <p className="notice" role="status">
            A new version of the editor is ready. <button onClick={update}>Reload</button>
          </p>
        )}
        <LostNotice />
        <DeletionNotice deletion={deletion} onDone={() => setDeletion(undefined)} />
      </div>
      <aside className="side">
        <DocumentList current={"id" in route ? route.id : undefined} />
        <ViewLinks route={route} conflicts={status?.conflicts ?? 0} failed={status?.dead_letters ?? 0} />
      </aside>
      <main className="view" id="view" tabIndex={-1}>
        {route.view !== "home" && !("id" in route) && (
          // Views of one document have their own way back.
          <a className="back" href="#/">
            <ArrowLeft aria-hidden />
            Back to the list
          </a>
        )}
        <ViewBoundary key={JSON.stringify(route)}>
          <DeletionContext value={setDeletion}>
            <Suspense fallback={<p className="opening">Opening…</p>}>{viewOf(route)}</Suspense>
          </DeletionContext>
        </ViewBoundary>
      </main>
    </div>
  );
}

/** Goes to the view without following the link, since the address behind `#` names the view that is shown. */
function skip(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("view")?.focus();
}

function viewOf(route: Route): ReactElement {
  switch (route.view) {
    case "document":
      return <DocumentView id={route.id} />;
    case "history":
      return <HistoryView id={route.id} />;
    case "conflicts":
      return <ConflictsView id={route.id} />;
    case "failed":
      return <FailedView />;
    case "deleted":
      return <DeletedView />;
    case "syncs":
      return <SyncsView />;
    case "sharing":
      return <SharingView />;
    case "account":
      return <AccountView />;
    case "home":
      return <Home />;
  }
}
