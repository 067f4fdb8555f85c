UPDATE documents SET
    version = incoming.version,
    sequence = ?::bigint - incoming.behind,
    title = incoming.title,
    created_at = incoming.created_at,
    updated_at = incoming.updated_at,
    updated_by = incoming.updated_by,
    deleted_at = incoming.deleted_at,
    epoch = incoming.epoch,
    content_version = incoming.content_version,
    content_digest = incoming.content_digest,
    state_vector = incoming.state_vector,
    yjs_roots = incoming.yjs_roots,
    snapshot_bytes = incoming.snapshot_bytes,
    log_bytes = incoming.log_bytes,
    log_rows = incoming.log_rows,
    damaged = documents.damaged AND documents.epoch = incoming.epoch
FROM (SELECT ?::uuid AS workspace_id) AS scope
CROSS JOIN unnest(
    ?::uuid[], ?::bigint[], ?::boolean[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::uuid[],
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[], ?::bytea[], ?::bigint[], ?::bigint[], ?::bigint[]
) AS incoming (
    document_id, expected_version, expected_purged, version, behind, title, created_at, updated_at, updated_by,
    deleted_at, epoch, content_version, content_digest, state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows
)
CROSS JOIN LATERAL (
    SELECT candidate.ctid
    FROM documents AS candidate
    WHERE candidate.workspace_id = scope.workspace_id
      AND candidate.document_id = incoming.document_id
    LIMIT 1
) AS found
WHERE documents.workspace_id = scope.workspace_id
  AND documents.ctid = found.ctid
  AND documents.version = incoming.expected_version
  AND (documents.sequence = 0) = incoming.expected_purged
  AND incoming.expected_version IS NOT NULL
  AND incoming.behind = incoming.behind + 0
  AND incoming.version = incoming.version + 0
