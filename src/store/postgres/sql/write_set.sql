WITH incoming AS MATERIALIZED (
    SELECT ?::uuid AS workspace_id, head.* FROM unnest(
        ?::uuid[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::uuid[], ?::bigint[],
        ?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[], ?::bytea[], ?::bigint[], ?::bigint[], ?::bigint[]
    ) AS head (
        document_id, expected_version, version, sequence, title, created_at, updated_at, updated_by, deleted_at,
        epoch, content_version, content_digest, state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows
    )
),
advanced AS (
    UPDATE workspaces SET head_sequence = ? WHERE workspace_id = ?
),
inserted AS (
    INSERT INTO documents (
        workspace_id, document_id, version, sequence, title, created_at, updated_at, updated_by, deleted_at,
        epoch, content_version, content_digest, state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows
    )
    SELECT
        workspace_id, document_id, version, sequence, title, created_at, updated_at, updated_by, deleted_at,
        epoch, content_version, content_digest, state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows
    FROM incoming
    WHERE expected_version IS NULL
    ORDER BY document_id
    ON CONFLICT DO NOTHING
    RETURNING 1
),
replaced AS (
    UPDATE documents SET
        version = incoming.version,
        sequence = incoming.sequence,
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
    FROM incoming
    WHERE documents.workspace_id = incoming.workspace_id
      AND documents.document_id = incoming.document_id
      AND documents.version = incoming.expected_version
    RETURNING 1
),
logged AS (
    INSERT INTO document_log (
        workspace_id, user_id, device_id, created_at,
        document_id, version, kind, title, client_id, content, yjs_update
    )
    SELECT
        ?, ?, ?, ?,
        document_id, version, kind, title, client_id, content, yjs_update
    FROM unnest(
        ?::uuid[], ?::bigint[], ?::smallint[], ?::text[], ?::text[], ?::bytea[], ?::bytea[]
    ) AS entry (document_id, version, kind, title, client_id, content, yjs_update)
    ON CONFLICT DO NOTHING
    RETURNING 1
),
receipted AS (
    INSERT INTO receipts (
        workspace_id, user_id, device_id,
        client_id, kind, payload_digest, document_id, version, created_at
    )
    SELECT
        ?, ?, ?,
        client_id, kind, payload_digest, document_id, version, created_at
    FROM unnest(
        ?::text[], ?::smallint[], ?::bytea[], ?::uuid[], ?::bigint[], ?::bigint[]
    ) AS receipt (client_id, kind, payload_digest, document_id, version, created_at)
    ORDER BY client_id
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT
    (SELECT count(*) FROM inserted) + (SELECT count(*) FROM replaced),
    (SELECT count(*) FROM logged),
    (SELECT count(*) FROM receipted)
