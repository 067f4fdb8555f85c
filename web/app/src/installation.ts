/**
 * The page as an installed application: its service worker, and newer versions of it.
 *
 * @module
 */

/** Takes the new version: the page loads anew. */
export type Update = () => void;

/** Registers the service worker, and tells when a newer version of the page lies ready. */
export async function install(onUpdate: (update: Update) => void): Promise<void> {
  // A page that is being worked on is served by Vite, without a worker.
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  const registration = await navigator.serviceWorker.register("/sw.js");
  const offer = (worker: ServiceWorker | null): void => {
    // Without a controller this is the first visit, and nothing older is open.
    if (!worker || !navigator.serviceWorker.controller) return;
    onUpdate(() => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      worker.postMessage("take over");
    });
  };
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => {
      if (worker.state === "installed") offer(worker);
    });
  });
}
