"use client";

import { BatchSyncService, IndexedDbStore } from "@landfall/client";
import { SyncProvider } from "@landfall/react";
import { use } from "react";
import { Notes } from "./Notes";

// Once for the page, outside of components.
const opening = IndexedDbStore.open("notes").then((store) => new BatchSyncService({ url: "", store }));

export default function Editor() {
  return (
    <SyncProvider client={use(opening)}>
      <Notes />
    </SyncProvider>
  );
}
