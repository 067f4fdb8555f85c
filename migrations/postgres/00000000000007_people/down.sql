DROP INDEX sync_runs_recent;
DROP INDEX documents_damaged;
DROP INDEX workspaces_deleted;
DROP INDEX workspaces_by_owner;
ALTER TABLE workspaces DROP COLUMN history_bytes;
ALTER TABLE workspaces DROP COLUMN yjs_bytes;
ALTER TABLE workspaces DROP COLUMN text_bytes;
ALTER TABLE workspaces DROP COLUMN deleted_documents;
ALTER TABLE workspaces DROP COLUMN documents;
ALTER TABLE workspaces DROP COLUMN deleted_at;
ALTER TABLE workspaces DROP COLUMN owner_id;
DROP TABLE access_tokens;
DROP TABLE invitations;
CREATE TABLE refresh_tokens (
    token_hash BYTEA  NOT NULL PRIMARY KEY,
    family_id  UUID    NOT NULL,
    user_id    UUID    NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    revoked_at BIGINT
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (expires_at);
-- The older program knows the tokens of the older form alone.
INSERT INTO refresh_tokens (token_hash, family_id, user_id, created_at, expires_at)
    SELECT token_hash, session_id, user_id, used_at, expires_at FROM sessions WHERE family_hash = token_hash;
DROP TABLE sessions;
ALTER TABLE users DROP COLUMN disabled_at;
UPDATE purges SET kind = 'refresh_tokens' WHERE kind = 'sessions';
