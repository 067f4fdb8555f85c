SELECT
    documents.document_id,
    documents.damaged,
    CASE WHEN documents.state_vector IS NOT NULL AND body.yjs_version >= documents.epoch
         THEN body.yjs_snapshot END,
    CASE WHEN documents.deleted_at IS NOT NULL
         THEN NULL
         WHEN body.content_version >= greatest(documents.content_version, documents.epoch) AND body.content IS NOT NULL
         THEN body.content
         ELSE entry.content END
FROM documents
LEFT JOIN document_bodies AS body
  ON body.workspace_id = documents.workspace_id
 AND body.document_id = documents.document_id
LEFT JOIN document_log AS entry
  ON entry.workspace_id = documents.workspace_id
 AND entry.document_id = documents.document_id
 AND entry.version = documents.content_version
WHERE documents.workspace_id = ?
  AND documents.document_id = ANY (?)
ORDER BY documents.document_id
