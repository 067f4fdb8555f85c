export { BatchSyncService, IndexedDbStore } from "../../src/index.js";
