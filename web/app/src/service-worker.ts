/**
 * Lets the page open with no network at all: its files are kept on the device, and served from there.
 *
 * It never touches `/api`: what the server says is the client's business, and documents lie in IndexedDB.
 *
 * @module
 */
import { cleanupOutdatedCaches, precacheAndRoute } from "workbox-precaching";

/** What the page is made of; the build fills it in. */
declare const __PRECACHE__: { url: string; revision: string | null }[];

/** The part of a worker's global scope that is used here; the types of a page do not know it. */
interface WorkerScope {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(name: "activate", listener: (event: { waitUntil(work: Promise<unknown>): void }) => void): void;
  addEventListener(name: "message", listener: (event: { data: unknown }) => void): void;
}
const scope = self as unknown as WorkerScope;

precacheAndRoute(__PRECACHE__);
cleanupOutdatedCaches();

// The first visit is kept at once. A newer worker waits for the person's word: it would take the files away that an
// open page of the old version still has to load.
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener("message", ({ data }) => {
  if (data === "take over") void scope.skipWaiting();
});
