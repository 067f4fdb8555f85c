ALTER TABLE workspaces DROP COLUMN numbered_from;
DROP INDEX document_log_by_batch;
ALTER TABLE document_log DROP COLUMN sync_id;
ALTER TABLE document_log DROP COLUMN batch_sequence;
