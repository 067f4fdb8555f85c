WITH advanced AS (
    UPDATE workspaces SET
        head_sequence = head_sequence + ?::bigint,
        documents = documents + ?::bigint,
        deleted_documents = deleted_documents + ?::bigint,
        text_bytes = text_bytes + ?::bigint,
        yjs_bytes = yjs_bytes + ?::bigint,
        history_bytes = history_bytes + ?::bigint
    WHERE workspace_id = ?::uuid
    RETURNING head_sequence, version_floor, workspaces.documents AS held, text_bytes + yjs_bytes AS bytes
),
incoming AS MATERIALIZED (
    SELECT head.* FROM unnest(
        ?::uuid[], ?::bigint[], ?::boolean[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::uuid[],
        ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[], ?::bytea[], ?::bigint[], ?::bigint[], ?::bigint[]
    ) AS head (
        document_id, expected_version, expected_purged, version, behind, title, created_at, updated_at, updated_by,
        deleted_at, epoch, content_version, content_digest, state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows
    )
),
inserted AS (
    INSERT INTO documents (
        workspace_id, document_id, version, sequence, title, created_at, updated_at, updated_by, deleted_at,
        epoch, content_version, content_digest, state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows
    )
    SELECT
        ?::uuid, document_id, version, advanced.head_sequence - behind, title, created_at, updated_at, updated_by,
        deleted_at, epoch, content_version, content_digest, state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows
    FROM advanced CROSS JOIN incoming
    WHERE expected_version IS NULL
    ORDER BY document_id
    ON CONFLICT DO NOTHING
    RETURNING 1
),
replaced AS (
    UPDATE documents SET
        version = incoming.version,
        sequence = advanced.head_sequence - incoming.behind,
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
    CROSS JOIN advanced
    CROSS JOIN incoming
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
    RETURNING 1
),
logged AS (
    INSERT INTO document_log (
        workspace_id, device_id, created_at, sync_id, batch_sequence,
        document_id, version, kind, title, client_id, content, yjs_update, user_id
    )
    SELECT
        ?::uuid, ?::text, ?::bigint, ?::uuid, advanced.head_sequence - behind,
        document_id, version, kind, title, client_id, content, yjs_update, user_id
    FROM advanced CROSS JOIN unnest(
        ?::uuid[], ?::bigint[], ?::smallint[], ?::text[], ?::text[], ?::bytea[], ?::bytea[], ?::uuid[], ?::bigint[]
    ) AS entry (document_id, version, kind, title, client_id, content, yjs_update, user_id, behind)
    ON CONFLICT DO NOTHING
    RETURNING 1
),
receipted AS (
    INSERT INTO receipts (
        workspace_id, user_id, device_id,
        client_id, kind, payload_digest, document_id, version, created_at
    )
    SELECT
        ?::uuid, ?::uuid, ?::text,
        client_id, kind, payload_digest, document_id, version, created_at
    FROM advanced CROSS JOIN unnest(
        ?::text[], ?::smallint[], ?::bytea[], ?::uuid[], ?::bigint[], ?::bigint[]
    ) AS receipt (client_id, kind, payload_digest, document_id, version, created_at)
    ORDER BY client_id
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT
    (SELECT head_sequence FROM advanced),
    (SELECT version_floor FROM advanced),
    (SELECT held FROM advanced),
    (SELECT bytes FROM advanced),
    (SELECT count(*) FROM inserted) + (SELECT count(*) FROM replaced),
    (SELECT count(*) FROM logged),
    (SELECT count(*) FROM receipted)
