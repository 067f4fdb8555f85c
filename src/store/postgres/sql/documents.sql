SELECT
    document.document_id, document.version, document.title, document.created_at, document.updated_at,
    document.updated_by, document.deleted_at, document.epoch, document.content_version, document.content_digest,
    document.state_vector, document.yjs_roots, document.snapshot_bytes, document.log_bytes, document.log_rows,
    document.damaged,
    author.username,
    CASE WHEN document.state_vector IS NOT NULL AND body.yjs_version >= document.epoch
         THEN body.yjs_snapshot END,
    CASE WHEN document.deleted_at IS NOT NULL
         THEN NULL
         WHEN body.content_version >= greatest(document.content_version, document.epoch) AND body.content IS NOT NULL
         THEN body.content
         ELSE entry.content END
FROM (SELECT ?::uuid AS workspace_id) AS scope
CROSS JOIN unnest(?::uuid[]) AS wanted (document_id)
CROSS JOIN LATERAL (
    SELECT candidate.*
    FROM documents AS candidate
    WHERE candidate.workspace_id = scope.workspace_id
      AND candidate.document_id = wanted.document_id
    LIMIT 1
) AS document
LEFT JOIN users AS author
  ON author.user_id = document.updated_by
LEFT JOIN LATERAL (
    SELECT candidate.yjs_version, candidate.content_version, candidate.yjs_snapshot, candidate.content
    FROM document_bodies AS candidate
    WHERE candidate.workspace_id = scope.workspace_id
      AND candidate.document_id = wanted.document_id
    LIMIT 1
) AS body ON TRUE
LEFT JOIN LATERAL (
    SELECT candidate.content
    FROM document_log AS candidate
    WHERE candidate.workspace_id = scope.workspace_id
      AND candidate.document_id = wanted.document_id
      AND candidate.version = document.content_version
    LIMIT 1
) AS entry ON TRUE
