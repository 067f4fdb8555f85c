-- A user who is locked out keeps the account and the memberships.
ALTER TABLE users ADD COLUMN disabled_at INTEGER;

-- One row for each login. A refresh token is the family's name, then a secret that changes with each use; all are kept as
-- hashes. The token before the current one is accepted as long as its successor has not been used: the answer that carried
-- the successor may have been lost.
CREATE TABLE sessions (
    session_id    BLOB    NOT NULL PRIMARY KEY,
    user_id       BLOB    NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    family_hash   BLOB    NOT NULL UNIQUE,
    token_hash    BLOB    NOT NULL,
    previous_hash BLOB,
    client        TEXT,
    created_at    INTEGER NOT NULL,
    used_at       INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- A token from before has no name of its family in it: it is the name itself.
INSERT INTO sessions (session_id, user_id, family_hash, token_hash, created_at, used_at, expires_at)
    SELECT family_id, user_id, token_hash, token_hash,
        (SELECT min(created_at) FROM refresh_tokens AS family WHERE family.family_id = refresh_tokens.family_id),
        created_at, expires_at
    FROM refresh_tokens WHERE used_at IS NULL AND revoked_at IS NULL;

DROP TABLE refresh_tokens;
UPDATE purges SET kind = 'sessions' WHERE kind = 'refresh_tokens';

-- Whom an owner wants as a member, by name: nobody learns from it whether there is such a user.
CREATE TABLE invitations (
    workspace_id BLOB    NOT NULL,
    username     TEXT    NOT NULL,
    role         INTEGER NOT NULL,
    invited_by   BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, username)
) STRICT, WITHOUT ROWID;

CREATE INDEX invitations_by_name ON invitations (username, created_at);

-- Tokens for scripts: one workspace, at most one role, kept as hashes.
CREATE TABLE access_tokens (
    workspace_id BLOB    NOT NULL,
    token_id     BLOB    NOT NULL,
    user_id      BLOB    NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    token_hash   BLOB    NOT NULL,
    role         INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    PRIMARY KEY (workspace_id, token_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX access_tokens_by_user ON access_tokens (user_id);

-- The owner who answers for the workspace: whose quota it counts towards.
ALTER TABLE workspaces ADD COLUMN owner_id BLOB;
-- Deleted for its members; what is in it is removed bit by bit.
ALTER TABLE workspaces ADD COLUMN deleted_at INTEGER;
-- What is stored, counted in the transaction that stores it. History is that part of the bytes which versions hold.
ALTER TABLE workspaces ADD COLUMN documents INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN deleted_documents INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN text_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN yjs_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN history_bytes INTEGER NOT NULL DEFAULT 0;

CREATE INDEX workspaces_by_owner ON workspaces (owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX workspaces_deleted ON workspaces (deleted_at) WHERE deleted_at IS NOT NULL;

UPDATE workspaces SET owner_id = (
    SELECT user_id FROM members
    WHERE members.workspace_id = workspaces.workspace_id AND members.role = 2
    ORDER BY created_at, user_id LIMIT 1
);
UPDATE workspaces SET
    documents = counted.live, deleted_documents = counted.deleted
FROM (
    SELECT workspace_id, count(*) FILTER (WHERE deleted_at IS NULL) AS live,
        count(*) FILTER (WHERE deleted_at IS NOT NULL) AS deleted
    FROM documents WHERE sequence <> 0 GROUP BY workspace_id
) AS counted
WHERE counted.workspace_id = workspaces.workspace_id;
UPDATE workspaces SET
    text_bytes = counted.texts, yjs_bytes = counted.yjs, history_bytes = counted.texts + counted.yjs
FROM (
    SELECT workspace_id, coalesce(sum(length(content)), 0) AS texts, coalesce(sum(length(yjs_update)), 0) AS yjs
    FROM document_log GROUP BY workspace_id
) AS counted
WHERE counted.workspace_id = workspaces.workspace_id;
UPDATE workspaces SET
    text_bytes = text_bytes + counted.texts, yjs_bytes = yjs_bytes + counted.yjs
FROM (
    SELECT workspace_id, coalesce(sum(length(content)), 0) AS texts, coalesce(sum(length(yjs_snapshot)), 0) AS yjs
    FROM document_bodies GROUP BY workspace_id
) AS counted
WHERE counted.workspace_id = workspaces.workspace_id;

-- Few, one hopes: found without reading what is sound.
CREATE INDEX documents_damaged ON documents (workspace_id, document_id) WHERE damaged;

-- The runs of the last 30 days, whosever they are.
CREATE INDEX sync_runs_recent ON sync_runs (workspace_id, started_at);
