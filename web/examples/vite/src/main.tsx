import { BatchSyncService, IndexedDbStore } from "@landfall/client";
import { SyncProvider } from "@landfall/react";
import { createRoot } from "react-dom/client";
import { Notes } from "./Notes";

const client = new BatchSyncService({ url: "", store: await IndexedDbStore.open("notes") });

createRoot(document.getElementById("root")!).render(
  <SyncProvider client={client}>
    <Notes />
  </SyncProvider>,
);
