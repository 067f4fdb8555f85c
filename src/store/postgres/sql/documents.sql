WITH weighed AS (
    SELECT
        document.*, wanted.place, author.username,
        CASE WHEN document.state_vector IS NOT NULL AND body.yjs_version >= document.epoch
             THEN body.yjs_snapshot END AS snapshot,
        shown.content,
        coalesce(sum(
            coalesce(octet_length(shown.content), 0)
            + CASE WHEN document.state_vector IS NOT NULL
                   THEN document.snapshot_bytes + document.log_bytes
                   ELSE 0 END
        ) OVER (ORDER BY wanted.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
    FROM (SELECT ?::uuid AS workspace_id) AS scope
    CROSS JOIN unnest(?::uuid[]) WITH ORDINALITY AS wanted (document_id, place)
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
    CROSS JOIN LATERAL (
        SELECT CASE WHEN document.deleted_at IS NOT NULL
                    THEN NULL
                    WHEN body.content_version >= greatest(document.content_version, document.epoch)
                     AND body.content IS NOT NULL
                    THEN body.content
                    ELSE entry.content END AS content
    ) AS shown
)
SELECT
    document_id, version, title, created_at, updated_at,
    updated_by, deleted_at, epoch, content_version, content_digest,
    state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows,
    damaged,
    username,
    snapshot,
    content
FROM weighed
WHERE bytes_before < ?
ORDER BY place
