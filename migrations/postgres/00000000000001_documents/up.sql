-- Every key starts with workspace_id: it is the tenancy rule and the shard key at once. No sequences, no triggers and
-- no foreign keys between workspaces, so that the tables can be spread over servers.
-- Times are microseconds since 1970 in UTC, digests are 16 bytes.

CREATE TABLE workspaces (
    workspace_id    UUID   NOT NULL PRIMARY KEY,
    name            TEXT   NOT NULL,
    head_sequence   BIGINT NOT NULL DEFAULT 0,
    purged_sequence BIGINT NOT NULL DEFAULT 0,
    created_at      BIGINT NOT NULL
);

CREATE TABLE documents (
    workspace_id    UUID    NOT NULL,
    document_id     UUID    NOT NULL,
    version         BIGINT  NOT NULL,
    sequence        BIGINT  NOT NULL,
    title           TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL,
    updated_by      UUID    NOT NULL,
    deleted_at      BIGINT,
    epoch           BIGINT  NOT NULL,
    content_version BIGINT  NOT NULL,
    content_digest  BYTEA,
    state_vector    BYTEA,
    yjs_roots       BYTEA   NOT NULL,
    snapshot_bytes  BIGINT  NOT NULL,
    log_bytes       BIGINT  NOT NULL,
    log_rows        BIGINT  NOT NULL,
    damaged         BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (workspace_id, document_id)
);

-- Every sequence is above 0. Saying so makes the index useless to a query that does not say it too: without, planners
-- take it for lookups by id as well, and read the whole workspace for each.
CREATE UNIQUE INDEX documents_by_sequence ON documents (workspace_id, sequence) WHERE sequence > 0;

-- Empty while compaction keeps up: finding what is left to compact never reads the table.
CREATE INDEX documents_to_compact ON documents (workspace_id, document_id)
    WHERE (log_rows > 1000 OR (log_bytes >= 16384 AND log_bytes >= snapshot_bytes)) AND NOT damaged;

CREATE TABLE document_log (
    workspace_id UUID     NOT NULL,
    document_id  UUID     NOT NULL,
    version      BIGINT   NOT NULL,
    kind         SMALLINT NOT NULL,
    title        TEXT     NOT NULL,
    user_id      UUID     NOT NULL,
    device_id    TEXT,
    client_id    TEXT     NOT NULL,
    created_at   BIGINT   NOT NULL,
    content      BYTEA,
    yjs_update   BYTEA,
    PRIMARY KEY (workspace_id, document_id, version)
);

-- Written by compaction and by late rendering only, never by a batch.
CREATE TABLE document_bodies (
    workspace_id    UUID   NOT NULL,
    document_id     UUID   NOT NULL,
    yjs_version     BIGINT NOT NULL DEFAULT 0,
    content_version BIGINT NOT NULL DEFAULT 0,
    yjs_snapshot    BYTEA,
    content         BYTEA,
    PRIMARY KEY (workspace_id, document_id)
);

CREATE TABLE receipts (
    workspace_id   UUID     NOT NULL,
    user_id        UUID     NOT NULL,
    device_id      TEXT     NOT NULL,
    client_id      TEXT     NOT NULL,
    kind           SMALLINT NOT NULL,
    payload_digest BYTEA    NOT NULL,
    document_id    UUID     NOT NULL,
    version        BIGINT,
    created_at     BIGINT   NOT NULL,
    PRIMARY KEY (workspace_id, user_id, device_id, client_id)
);

-- lz4 about doubles the rate at which large rows are stored; a server built without it keeps its default.
DO $$
BEGIN
    EXECUTE 'ALTER TABLE document_log ALTER COLUMN content SET COMPRESSION lz4, ALTER COLUMN yjs_update SET COMPRESSION lz4';
    EXECUTE 'ALTER TABLE document_bodies ALTER COLUMN content SET COMPRESSION lz4, ALTER COLUMN yjs_snapshot SET COMPRESSION lz4';
EXCEPTION
    WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN
        RAISE NOTICE 'this server does not offer lz4 compression; large columns keep its default';
END
$$;
