SELECT wanted.document_id, entry.yjs_update
FROM (SELECT ?::uuid AS workspace_id) AS scope
CROSS JOIN unnest(?::uuid[]) AS wanted (document_id)
CROSS JOIN LATERAL (
    SELECT candidate.*
    FROM documents AS candidate
    WHERE candidate.workspace_id = scope.workspace_id
      AND candidate.document_id = wanted.document_id
    LIMIT 1
) AS document
LEFT JOIN LATERAL (
    SELECT candidate.yjs_version
    FROM document_bodies AS candidate
    WHERE candidate.workspace_id = scope.workspace_id
      AND candidate.document_id = wanted.document_id
      AND candidate.yjs_version >= document.epoch
      AND candidate.yjs_snapshot IS NOT NULL
    LIMIT 1
) AS body ON TRUE
CROSS JOIN LATERAL (
    SELECT candidate.version, candidate.yjs_update
    FROM document_log AS candidate
    WHERE candidate.workspace_id = scope.workspace_id
      AND candidate.document_id = wanted.document_id
      AND candidate.version > coalesce(body.yjs_version, document.epoch - 1)
      AND candidate.version <= document.version
      AND candidate.yjs_update IS NOT NULL
    ORDER BY candidate.version
) AS entry
WHERE document.state_vector IS NOT NULL
ORDER BY entry.version
