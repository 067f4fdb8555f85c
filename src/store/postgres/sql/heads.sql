SELECT
    document.document_id, document.version, document.title, document.created_at, document.updated_at,
    document.updated_by, document.deleted_at, document.epoch, document.content_version, document.content_digest,
    document.state_vector, document.yjs_roots, document.snapshot_bytes, document.log_bytes, document.log_rows
FROM (SELECT ?::uuid AS workspace_id) AS scope
CROSS JOIN unnest(?::uuid[]) AS wanted (document_id)
CROSS JOIN LATERAL (
    SELECT candidate.*
    FROM documents AS candidate
    WHERE candidate.workspace_id = scope.workspace_id
      AND candidate.document_id = wanted.document_id
    LIMIT 1
) AS document
