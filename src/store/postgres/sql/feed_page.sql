WITH page AS MATERIALIZED (
    SELECT document.*
    FROM documents AS document
    WHERE document.workspace_id = ?::uuid
      AND document.sequence > ?
      AND document.sequence <= ?
      AND document.sequence > 0
    ORDER BY document.sequence
    LIMIT ?
),
weighed AS (
    SELECT
        page.*, author.username,
        body.yjs_version, body.content_version AS body_content_version, body.yjs_snapshot, body.content AS body_content,
        entry.content, entry.yjs_update,
        coalesce(sum(
            coalesce(octet_length(coalesce(body.content, entry.content)), 0)
            + CASE WHEN page.deleted_at IS NULL AND page.state_vector IS NOT NULL
                   THEN page.snapshot_bytes + page.log_bytes
                   ELSE 0 END
        ) OVER (ORDER BY page.sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before,
        max(page.sequence) OVER () AS last_sequence
    FROM page
    LEFT JOIN LATERAL (
        SELECT candidate.username
        FROM users AS candidate
        WHERE candidate.user_id = page.updated_by
        LIMIT 1
    ) AS author ON TRUE
    LEFT JOIN LATERAL (
        SELECT candidate.yjs_version, candidate.content_version, candidate.yjs_snapshot, candidate.content
        FROM document_bodies AS candidate
        WHERE candidate.workspace_id = ?::uuid
          AND candidate.document_id = page.document_id
          AND page.deleted_at IS NULL
        LIMIT 1
    ) AS body ON TRUE
    LEFT JOIN LATERAL (
        SELECT candidate.content, candidate.yjs_update
        FROM document_log AS candidate
        WHERE candidate.workspace_id = ?::uuid
          AND candidate.document_id = page.document_id
          AND candidate.version = page.content_version
          AND page.deleted_at IS NULL
        LIMIT 1
    ) AS entry ON TRUE
)
SELECT
    sequence,
    document_id, version, title, created_at, updated_at,
    updated_by, deleted_at, epoch, content_version, content_digest,
    state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows,
    damaged,
    username,
    yjs_version, body_content_version, yjs_snapshot, body_content,
    content,
    CASE WHEN yjs_snapshot IS NULL THEN yjs_update END,
    last_sequence
FROM weighed
WHERE bytes_before < ?
ORDER BY sequence
