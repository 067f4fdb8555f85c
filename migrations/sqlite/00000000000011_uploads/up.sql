-- Atomic batches that are staged over several requests. State: 0 open, 1 committed, 2 dropped; since: when it came into that
-- state. The revision counts what was staged, so that a commit knows that it applies what it has read. `operations` and
-- `bytes` are those that are staged, and 0 once they are removed. `answer` is what a commit came to, in few words.
CREATE TABLE uploads (
    workspace_id BLOB    NOT NULL,
    user_id      BLOB    NOT NULL,
    upload_id    BLOB    NOT NULL,
    state        INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    operations   INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    since        INTEGER NOT NULL,
    batch_id     BLOB,
    answer       BLOB,
    PRIMARY KEY (workspace_id, user_id, upload_id)
) STRICT;

-- Open uploads of a workspace, and those that have been kept long enough.
CREATE INDEX uploads_by_state ON uploads (workspace_id, state, since);

-- Operations as they were sent, appended as they come. They are carried out by part, then by number.
CREATE TABLE staged_operations (
    workspace_id BLOB    NOT NULL,
    user_id      BLOB    NOT NULL,
    upload_id    BLOB    NOT NULL,
    client_id    TEXT    NOT NULL,
    part         INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    digest       BLOB    NOT NULL,
    bytes        INTEGER NOT NULL,
    body         BLOB    NOT NULL,
    PRIMARY KEY (workspace_id, user_id, upload_id, client_id)
) STRICT;
