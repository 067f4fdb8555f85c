-- Cursors are signed with it: random for each workspace, never shown.
ALTER TABLE workspaces ADD COLUMN feed_key BLOB NOT NULL DEFAULT x'';
UPDATE workspaces SET feed_key = randomblob(16);

-- Tombstones from before this time may be gone; NULL until the first purge.
ALTER TABLE workspaces ADD COLUMN purged_before INTEGER;

-- What is left of a document when its tombstone has been purged is its row, with sequence 0: its id stays taken and its
-- version known, and no feed, list or reader sees it. So the sequences in documents_by_sequence are above 0, but not all
-- there are: a query by id that must not see purged documents says `sequence <> 0`. One that says `sequence > 0` invites
-- the planner to read the whole workspace by that index.
CREATE INDEX documents_to_purge ON documents (workspace_id, deleted_at) WHERE deleted_at IS NOT NULL AND sequence > 0;

-- A version that stands for everything before it: its Yjs update is the whole state up to it, its text the whole text.
ALTER TABLE document_log ADD COLUMN is_base INTEGER NOT NULL DEFAULT 0;

-- Counts are of operations; each run belongs to the user who opened it.
CREATE TABLE sync_runs (
    workspace_id      BLOB    NOT NULL,
    user_id           BLOB    NOT NULL,
    sync_id           BLOB    NOT NULL,
    device_id         TEXT,
    direction         INTEGER NOT NULL,
    status            INTEGER NOT NULL,
    total             INTEGER NOT NULL,
    succeeded         INTEGER NOT NULL,
    failed            INTEGER NOT NULL,
    skipped           INTEGER NOT NULL,
    batches           INTEGER NOT NULL,
    current_operation TEXT,
    notes             INTEGER NOT NULL,
    started_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    finished_at       INTEGER,
    PRIMARY KEY (workspace_id, user_id, sync_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sync_runs_by_start ON sync_runs (workspace_id, user_id, started_at, sync_id);

-- Open runs (idle, processing), to find those that have fallen silent.
CREATE INDEX sync_runs_open ON sync_runs (updated_at) WHERE status < 2;

-- Ended runs, to find those that need not be remembered any more.
CREATE INDEX sync_runs_ended ON sync_runs (finished_at) WHERE finished_at IS NOT NULL;

-- Operations that a run must know again when they come back: those that failed, with a code, and those that succeeded
-- before it began, without. An operation that had no valid name has the empty one.
CREATE TABLE sync_notes (
    workspace_id BLOB    NOT NULL,
    user_id      BLOB    NOT NULL,
    sync_id      BLOB    NOT NULL,
    client_id    TEXT    NOT NULL,
    note_number  INTEGER NOT NULL,
    document_id  BLOB,
    code         TEXT,
    message      TEXT,
    retry_count  INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id, sync_id, client_id, note_number)
) STRICT, WITHOUT ROWID;

-- The newest failures. Partial, so that no planner takes it for looking up a name.
CREATE INDEX sync_failures_by_number ON sync_notes (workspace_id, user_id, sync_id, note_number)
    WHERE code IS NOT NULL;

-- Work that one server at a time does. A lease that is not renewed runs out.
CREATE TABLE leases (
    name       TEXT    NOT NULL PRIMARY KEY,
    holder     BLOB    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
