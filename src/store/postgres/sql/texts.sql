WITH wanted AS MATERIALIZED (
    SELECT ?::uuid AS workspace_id, asked.document_id, asked.version
    FROM unnest(?::uuid[], ?::bigint[]) AS asked (document_id, version)
)
SELECT wanted.document_id, wanted.version, named.title, written.content
FROM wanted
JOIN documents AS document
  ON document.workspace_id = wanted.workspace_id
 AND document.document_id = wanted.document_id
 AND wanted.version BETWEEN document.epoch AND document.version
CROSS JOIN LATERAL (
    SELECT entry.title FROM document_log AS entry
    WHERE entry.workspace_id = wanted.workspace_id
      AND entry.document_id = wanted.document_id
      AND entry.version = wanted.version
    LIMIT 1
) AS named
LEFT JOIN LATERAL (
    SELECT entry.content FROM document_log AS entry
    WHERE entry.workspace_id = wanted.workspace_id
      AND entry.document_id = wanted.document_id
      AND entry.version BETWEEN document.epoch AND wanted.version
      AND (entry.content IS NOT NULL OR entry.yjs_update IS NOT NULL)
    ORDER BY entry.version DESC
    LIMIT 1
) AS written ON TRUE
