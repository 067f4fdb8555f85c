-- A batch is known by the number that the workspace's feed had after it: each version says which batch made it. Versions
-- from before have none. The rows of a batch lie side by side in the index, at the end of the workspace's stretch when they
-- are written.
ALTER TABLE document_log ADD COLUMN batch_sequence BIGINT;
ALTER TABLE document_log ADD COLUMN sync_id UUID;
CREATE INDEX document_log_by_batch ON document_log (workspace_id, batch_sequence) WHERE batch_sequence IS NOT NULL;

-- Cursors from before this point say nothing about versions.
ALTER TABLE workspaces ADD COLUMN numbered_from BIGINT NOT NULL DEFAULT 0;
UPDATE workspaces SET numbered_from = head_sequence;
