-- One folder's sync state. Ids are UUIDs as text; times are microseconds since 1970 in UTC.

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- What the server and the file are known to agree on, or will once the outbox is empty. Small rows: all are read at each scan.
CREATE TABLE files (
    document_id TEXT NOT NULL PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    folded TEXT NOT NULL,         -- the path without upper case
    title TEXT NOT NULL,          -- as the server has it, or will
    version BIGINT NOT NULL,      -- of the server, all of it known here; 0 = not there yet
    digest BLOB NOT NULL,         -- of the text
    size BIGINT NOT NULL,         -- of the file as last seen, to spare reading it
    modified_ns BIGINT NOT NULL,
    seen_ns BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX files_by_folded ON files (folded);

CREATE TABLE bodies (
    document_id TEXT NOT NULL PRIMARY KEY REFERENCES files (document_id) ON DELETE CASCADE,
    yjs_state BLOB,               -- NULL: a document without Yjs state
    content TEXT NOT NULL         -- the file's text as last written or taken in
);

CREATE TABLE outbox (
    client_id TEXT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL,
    document_id TEXT NOT NULL,
    kind TEXT NOT NULL,           -- create, update, delete
    title TEXT,
    content TEXT,
    yjs_update BLOB,
    restore BOOLEAN NOT NULL,
    force BOOLEAN NOT NULL,
    base_version BIGINT,          -- set when first sent
    sent BOOLEAN NOT NULL,        -- if so, nothing of it may change
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX outbox_by_document ON outbox (document_id, position);

-- Operations that the server refused for good: the operation as it was, and why.
CREATE TABLE dead_letters (
    client_id TEXT NOT NULL PRIMARY KEY,
    document_id TEXT NOT NULL,
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    title TEXT,
    content TEXT,
    yjs_update BLOB,
    restore BOOLEAN NOT NULL,
    force BOOLEAN NOT NULL,
    base_version BIGINT,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    failed_at BIGINT NOT NULL
) WITHOUT ROWID;

-- Documents that wait for a person's choice. The local side is the file.
CREATE TABLE conflicts (
    document_id TEXT NOT NULL PRIMARY KEY,
    path TEXT NOT NULL,
    reason TEXT NOT NULL,
    found_at BIGINT NOT NULL,
    base_content TEXT,
    local_content TEXT,
    server_version BIGINT NOT NULL,
    server_title TEXT NOT NULL,
    server_deleted BOOLEAN NOT NULL,
    server_content TEXT,
    server_yjs_state BLOB
) WITHOUT ROWID;

-- Files that are about to be replaced by their draft; what they held is kept until that is done.
CREATE TABLE pending_writes (
    document_id TEXT NOT NULL PRIMARY KEY,
    path TEXT NOT NULL,
    draft TEXT NOT NULL,
    old_content TEXT,             -- NULL: there was no file
    old_yjs_state BLOB
) WITHOUT ROWID;

-- Deletions that were pulled and wait for the end of the pull, when they can be counted.
CREATE TABLE pending_removals (
    document_id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
) WITHOUT ROWID;

-- Documents of the server that no file can stand for.
CREATE TABLE left_out (
    document_id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE runs (
    run_id TEXT NOT NULL PRIMARY KEY,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    direction TEXT NOT NULL,
    outcome TEXT NOT NULL,
    pushed BIGINT NOT NULL,
    pulled BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    conflicts BIGINT NOT NULL
) WITHOUT ROWID;
