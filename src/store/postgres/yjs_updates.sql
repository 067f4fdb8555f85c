SELECT entry.document_id, entry.yjs_update
FROM documents
LEFT JOIN document_bodies AS body
  ON body.workspace_id = documents.workspace_id
 AND body.document_id = documents.document_id
 AND body.yjs_version >= documents.epoch
 AND body.yjs_snapshot IS NOT NULL
JOIN document_log AS entry
  ON entry.workspace_id = documents.workspace_id
 AND entry.document_id = documents.document_id
 AND entry.version > coalesce(body.yjs_version, documents.epoch - 1)
 AND entry.version <= documents.version
WHERE documents.workspace_id = ?
  AND documents.document_id = ANY (?)
  AND documents.state_vector IS NOT NULL
  AND entry.yjs_update IS NOT NULL
ORDER BY entry.document_id, entry.version
