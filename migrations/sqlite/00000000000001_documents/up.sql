-- Every key starts with workspace_id: it is the tenancy rule and the shard key at once.
-- Ids are 16-byte blobs, times are microseconds since 1970 in UTC, digests are 16 bytes.

CREATE TABLE workspaces (
    workspace_id    BLOB    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL,
    head_sequence   INTEGER NOT NULL DEFAULT 0,
    purged_sequence INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Small rows: ids are random, so every touched row costs a page of its own.
CREATE TABLE documents (
    workspace_id    BLOB    NOT NULL,
    document_id     BLOB    NOT NULL,
    version         INTEGER NOT NULL,
    sequence        INTEGER NOT NULL,
    title           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    updated_by      BLOB    NOT NULL,
    deleted_at      INTEGER,
    epoch           INTEGER NOT NULL,
    content_version INTEGER NOT NULL,
    content_digest  BLOB,
    state_vector    BLOB,
    yjs_roots       BLOB    NOT NULL,
    snapshot_bytes  INTEGER NOT NULL,
    log_bytes       INTEGER NOT NULL,
    log_rows        INTEGER NOT NULL,
    damaged         INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, document_id)
) STRICT, WITHOUT ROWID;

-- Every sequence is above 0. Saying so makes the index useless to a query that does not say it too: without, planners
-- take it for lookups by id as well, and read the whole workspace for each.
CREATE UNIQUE INDEX documents_by_sequence ON documents (workspace_id, sequence) WHERE sequence > 0;

-- Empty while compaction keeps up: finding what is left to compact never reads the table.
CREATE INDEX documents_to_compact ON documents (workspace_id, document_id)
    WHERE (log_rows > 1000 OR (log_bytes >= 16384 AND log_bytes >= snapshot_bytes)) AND NOT damaged;

-- A rowid table: large rows are appended, only the small index entries land at random.
CREATE TABLE document_log (
    workspace_id BLOB    NOT NULL,
    document_id  BLOB    NOT NULL,
    version      INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    title        TEXT    NOT NULL,
    user_id      BLOB    NOT NULL,
    device_id    TEXT,
    client_id    TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    content      BLOB,
    yjs_update   BLOB
) STRICT;

CREATE UNIQUE INDEX document_log_by_version ON document_log (workspace_id, document_id, version);

-- Written by compaction and by late rendering only, never by a batch.
CREATE TABLE document_bodies (
    workspace_id    BLOB    NOT NULL,
    document_id     BLOB    NOT NULL,
    yjs_version     INTEGER NOT NULL DEFAULT 0,
    content_version INTEGER NOT NULL DEFAULT 0,
    yjs_snapshot    BLOB,
    content         BLOB
) STRICT;

CREATE UNIQUE INDEX document_bodies_by_document ON document_bodies (workspace_id, document_id);

CREATE TABLE receipts (
    workspace_id   BLOB    NOT NULL,
    user_id        BLOB    NOT NULL,
    device_id      TEXT    NOT NULL,
    client_id      TEXT    NOT NULL,
    kind           INTEGER NOT NULL,
    payload_digest BLOB    NOT NULL,
    document_id    BLOB    NOT NULL,
    version        INTEGER,
    created_at     INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id, device_id, client_id)
) STRICT, WITHOUT ROWID;
