-- A log of many small updates is folded sooner: each reading of a document reads all of its rows.
DROP INDEX documents_to_compact;
CREATE INDEX documents_to_compact ON documents (workspace_id, document_id)
    WHERE (log_rows > 1000 OR (log_rows >= 64 AND snapshot_bytes <= log_rows * 256)
        OR (log_bytes >= 16384 AND log_bytes >= snapshot_bytes)) AND NOT damaged;
