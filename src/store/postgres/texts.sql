SELECT wanted.document_id, wanted.version, named.title, written.content
FROM unnest(?::uuid[], ?::bigint[]) AS wanted (document_id, version)
JOIN documents
  ON documents.workspace_id = ?
 AND documents.document_id = wanted.document_id
 AND wanted.version BETWEEN documents.epoch AND documents.version
CROSS JOIN LATERAL (
    SELECT title FROM document_log AS entry
    WHERE entry.workspace_id = documents.workspace_id
      AND entry.document_id = documents.document_id
      AND entry.version BETWEEN documents.epoch AND wanted.version
    ORDER BY entry.version DESC
    LIMIT 1
) AS named
LEFT JOIN LATERAL (
    SELECT content FROM document_log AS entry
    WHERE entry.workspace_id = documents.workspace_id
      AND entry.document_id = documents.document_id
      AND entry.version BETWEEN documents.epoch AND wanted.version
      AND (entry.content IS NOT NULL OR entry.yjs_update IS NOT NULL)
    ORDER BY entry.version DESC
    LIMIT 1
) AS written ON TRUE
