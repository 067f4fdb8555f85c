/**
 * What the hooks let one do: the client's own functions, with the snapshots up to date when they resolve.
 *
 * @module
 */
import type { BatchSyncService, Progress, SyncReport } from "@landfall/client";
import type { SyncStore } from "./sync-store.js";
import type { DocumentActions, SyncActions } from "./views.js";

/** The functions of a store; made once, so that they can stand among the dependencies of an effect. */
export function makeActions(store: SyncStore): SyncActions & DocumentActions {
  const { client } = store;
  /** Does something, then shows what came of it. */
  const shown = async <R>(step: Promise<R>): Promise<R> => {
    const result = await step;
    await store.refresh();
    return result;
  };
  const send = (start: () => Promise<SyncReport>): Promise<SyncReport> =>
    store.sync().isPaused ? Promise.resolve(notSent(client)) : shown(start());
  const enter = async (step: Promise<void>): Promise<void> => {
    await step;
    store.forgetRefusal();
    await store.refresh();
    if (store.sync().isPaused) return;
    const synced = store.auto.isWanted ? store.auto.begin() : client.sync();
    void synced.catch((error: unknown) => console.error(error));
  };
  return {
    sync: (options) => send(() => client.sync(options)),
    takeBackDeletions: () => shown(client.takeBackDeletions()),
    resume: () => send(() => client.resume()),
    cancel: () => shown(client.cancel()),
    setPaused(paused) {
      if (paused === store.sync().isPaused) return;
      store.setPaused(paused);
      if (paused) {
        store.auto.halt();
        // A failure is told to who started the sync.
        void client.cancel().catch(() => undefined);
      } else void store.auto.begin().catch((error: unknown) => console.error(error));
    },
    login: (username, password) => enter(client.login(username, password)),
    register: (username, password) => enter(client.register(username, password)),
    async logout() {
      store.auto.halt();
      await shown(client.logout());
    },
    resolve: (clientId, resolution) => shown(client.resolve(clientId, resolution)),
    retryDeadLetters: (clientIds) => shown(client.retryDeadLetters(clientIds)),
    discardDeadLetter: (clientId) => shown(client.discardDeadLetter(clientId)),
    create: (document) => shown(client.queueCreate(document)),
    rename: (documentId, title) => shown(client.queueUpdate(documentId, { title })),
    remove: (documentId) => shown(client.queueDelete(documentId)),
  };
}

/** The report of a sync that was not started, since somebody chose to work offline. */
function notSent({ progress }: BatchSyncService): SyncReport {
  const nothing: Progress = {
    total: 0,
    processed: 0,
    succeeded: 0,
    failed: 0,
    skipped: 0,
    percentage: 0,
    errors: [],
    started_at: new Date().toISOString(),
  };
  return { status: "cancelled", direction: "both", progress: progress ?? nothing, pulled: 0, results: [], again: 0 };
}
