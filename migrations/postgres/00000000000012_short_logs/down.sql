DROP INDEX documents_to_compact;
CREATE INDEX documents_to_compact ON documents (workspace_id, document_id)
    WHERE (log_rows > 1000 OR (log_bytes >= 16384 AND log_bytes >= snapshot_bytes)) AND NOT damaged;
