DROP TABLE leases;
DROP TABLE sync_notes;
DROP TABLE sync_runs;
ALTER TABLE document_log DROP COLUMN is_base;
DROP INDEX documents_to_purge;
ALTER TABLE workspaces DROP COLUMN purged_before;
ALTER TABLE workspaces DROP COLUMN feed_key;
