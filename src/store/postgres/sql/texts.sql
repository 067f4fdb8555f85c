WITH weighed AS (
    SELECT
        wanted.document_id, wanted.version, wanted.place, named.title, written.content,
        coalesce(sum(octet_length(written.content))
            OVER (ORDER BY wanted.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
    FROM (SELECT ?::uuid AS workspace_id) AS scope
    CROSS JOIN unnest(?::uuid[], ?::bigint[]) WITH ORDINALITY AS wanted (document_id, version, place)
    CROSS JOIN LATERAL (
        SELECT candidate.*
        FROM documents AS candidate
        WHERE candidate.workspace_id = scope.workspace_id
          AND candidate.document_id = wanted.document_id
        LIMIT 1
    ) AS document
    CROSS JOIN LATERAL (
        SELECT entry.title FROM document_log AS entry
        WHERE entry.workspace_id = scope.workspace_id
          AND entry.document_id = wanted.document_id
          AND entry.version = wanted.version
        LIMIT 1
    ) AS named
    LEFT JOIN LATERAL (
        SELECT entry.content FROM document_log AS entry
        WHERE entry.workspace_id = scope.workspace_id
          AND entry.document_id = wanted.document_id
          AND entry.version BETWEEN document.epoch AND wanted.version
          AND (entry.content IS NOT NULL OR entry.yjs_update IS NOT NULL)
        ORDER BY entry.version DESC
        LIMIT 1
    ) AS written ON TRUE
    WHERE wanted.version BETWEEN document.epoch AND document.version
)
SELECT document_id, version, title, CASE WHEN bytes_before < ? THEN content END
FROM weighed
ORDER BY place
