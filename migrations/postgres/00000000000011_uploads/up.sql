-- Atomic batches that are staged over several requests. State: 0 open, 1 committed, 2 dropped; since: when it came into that
-- state. The revision counts what was staged, so that a commit knows that it applies what it has read. `operations` and
-- `bytes` are those that are staged, and 0 once they are removed. `answer` is what a commit came to, in few words.
CREATE TABLE uploads (
    workspace_id UUID     NOT NULL,
    user_id      UUID     NOT NULL,
    upload_id    UUID     NOT NULL,
    state        SMALLINT NOT NULL,
    revision     BIGINT   NOT NULL,
    operations   BIGINT   NOT NULL,
    bytes        BIGINT   NOT NULL,
    since        BIGINT   NOT NULL,
    batch_id     UUID,
    answer       BYTEA,
    PRIMARY KEY (workspace_id, user_id, upload_id)
);

-- Open uploads of a workspace, and those that have been kept long enough.
CREATE INDEX uploads_by_state ON uploads (workspace_id, state, since);

-- Operations as they were sent. They are carried out by part, then by number. Their bodies are compressed already.
CREATE TABLE staged_operations (
    workspace_id UUID     NOT NULL,
    user_id      UUID     NOT NULL,
    upload_id    UUID     NOT NULL,
    client_id    TEXT     NOT NULL,
    part         BIGINT   NOT NULL,
    number       BIGINT   NOT NULL,
    digest       BYTEA    NOT NULL,
    bytes        BIGINT   NOT NULL,
    body         BYTEA    NOT NULL,
    PRIMARY KEY (workspace_id, user_id, upload_id, client_id)
);

ALTER TABLE staged_operations ALTER COLUMN body SET STORAGE EXTERNAL;
