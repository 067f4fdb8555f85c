-- Documents become a rowid table, like the log: new rows are appended, sixteen to a page, and only the small entries of an
-- index land at random, ninety to a page. Before, each row lay in the tree of its random id, so that almost every one
-- had a page of its own written; and the other indexes carried both ids in place of a row's number.
ALTER TABLE documents RENAME TO documents_before;
DROP INDEX documents_by_sequence;
DROP INDEX documents_to_compact;
DROP INDEX documents_to_purge;

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
    damaged         INTEGER NOT NULL DEFAULT 0
) STRICT;

-- In the order of the feed: what was changed last is read and changed most.
INSERT INTO documents (
    workspace_id, document_id, version, sequence, title, created_at, updated_at, updated_by, deleted_at, epoch,
    content_version, content_digest, state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows, damaged
)
SELECT
    workspace_id, document_id, version, sequence, title, created_at, updated_at, updated_by, deleted_at, epoch,
    content_version, content_digest, state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows, damaged
FROM documents_before
ORDER BY workspace_id, sequence;

DROP TABLE documents_before;

CREATE UNIQUE INDEX documents_by_id ON documents (workspace_id, document_id);
CREATE UNIQUE INDEX documents_by_sequence ON documents (workspace_id, sequence) WHERE sequence > 0;
CREATE INDEX documents_to_compact ON documents (workspace_id, document_id)
    WHERE (log_rows > 1000 OR (log_bytes >= 16384 AND log_bytes >= snapshot_bytes)) AND NOT damaged;
CREATE INDEX documents_to_purge ON documents (workspace_id, deleted_at) WHERE deleted_at IS NOT NULL AND sequence > 0;
CREATE INDEX documents_damaged ON documents (workspace_id, document_id) WHERE damaged;
