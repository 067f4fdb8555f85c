-- What has been kept long enough is found by its age. Each workspace's newest receipt goes to the end of its stretch of
-- the index, so that a batch touches a page or two.
CREATE INDEX receipts_by_age ON receipts (workspace_id, created_at);
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (expires_at);

-- How far each kind of thing has been purged, and the purge that looks wrong and waits, with the time that it has waited.
CREATE TABLE purges (
    kind         TEXT   NOT NULL PRIMARY KEY,
    line         BIGINT NOT NULL,
    waiting_line BIGINT,
    waited       BIGINT NOT NULL
);
