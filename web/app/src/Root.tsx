/**
 * Opens the store that this device used last, and everything above it.
 *
 * @module
 */
import { StoreBlockedError } from "@landfall/client";
import { SyncProvider } from "@landfall/react";
import { useCallback, useEffect, useRef, useState, type ReactElement } from "react";
import { currentStore } from "./accounts.ts";
import { install, type Update } from "./installation.ts";
import { isOfflineChosen } from "./offline.ts";
import { closePlace, openPlace, type Place } from "./place.ts";
import { PlaceProvider } from "./PlaceProvider.tsx";
import { go, routeOf } from "./route.ts";
import { Shell } from "./shell/Shell.tsx";

/** The whole editor. */
export function Root(): ReactElement {
  const [place, setPlace] = useState<Place>();
  const [problem, setProblem] = useState<unknown>();
  const [update, setUpdate] = useState<Update>();
  const current = useRef<Place>(undefined);

  const enter = useCallback((next: Place) => {
    const before = current.current;
    current.current = next;
    setPlace(next);
    if (!before || before === next) return;
    void closePlace(before);
    // A document or a conflict of the former place is none of this one.
    if ("id" in routeOf(location.hash)) go({ view: "home" });
  }, []);

  useEffect(() => {
    let wanted = true;
    openPlace(currentStore()).then(
      (opened) => (wanted ? enter(opened) : closePlace(opened)),
      (error: unknown) => setProblem(error),
    );
    install((ready) => setUpdate(() => ready)).catch((error: unknown) => console.warn(error));
    return () => void (wanted = false);
  }, [enter]);

  if (problem !== undefined) return <NoStore error={problem} />;
  if (!place) return <p className="opening">Opening…</p>;
  return (
    <SyncProvider key={place.store} client={place.client} initiallyPaused={isOfflineChosen()}>
      <PlaceProvider place={place} enter={enter}>
        <Shell update={update} />
      </PlaceProvider>
    </SyncProvider>
  );
}

function NoStore({ error }: { error: unknown }): ReactElement {
  if (error instanceof StoreBlockedError) {
    return (
      <main className="opening" role="alert">
        <h1>Another tab is in the way</h1>
        <p>A tab with an older version of this page is open, and does not react. Close it, then reload this page.</p>
      </main>
    );
  }
  return (
    <main className="opening" role="alert">
      <h1>Nothing can be kept on this device</h1>
      <p>
        The browser refused the storage that the editor keeps documents in. A private window, or a setting that blocks
        site data, does that. Open the page in an ordinary window, or allow site data for it.
      </p>
      <p className="quiet">{error instanceof Error ? error.message : String(error)}</p>
    </main>
  );
}
