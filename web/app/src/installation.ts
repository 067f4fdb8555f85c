/**
 * The page as an installed application: its service worker, and newer versions of it.
 *
 * @module
 */

/** Takes the new version: the page loads anew. */
export type Update = () => void;

/**
 * Registers the service worker, and tells when a newer version of the page lies ready, or was taken in another tab: what
 * this page has not loaded yet is gone from the device then.
 */
export async function install(onUpdate: (update: Update) => void): Promise<void> {
  // A page that is being worked on is served by Vite, without a worker.
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  const { serviceWorker } = navigator;
  let isWanted = false;
  // On the first visit the worker takes the page over by itself, and nothing older is open.
  let isFirst = serviceWorker.controller === null;
  let waiting: () => ServiceWorker | null = () => null;
  const update = (): void => {
    const worker = waiting();
    // Nobody waits where another tab let it in; no event would follow.
    if (!worker) return location.reload();
    isWanted = true;
    worker.postMessage("take over");
  };
  serviceWorker.addEventListener("controllerchange", () => {
    if (isWanted) location.reload();
    else if (!isFirst) onUpdate(update);
    isFirst = false;
  });

  const registration = await serviceWorker.register("/sw.js");
  waiting = () => registration.waiting;
  // A page that was loaded past its worker has none, and is older than the next one all the same.
  if (registration.active) isFirst = false;
  const offer = (): void => {
    if (registration.waiting && !isFirst) onUpdate(update);
  };
  offer();
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => worker.state === "installed" && offer());
  });
}
