WITH unwanted AS NOT MATERIALIZED (
    SELECT scope.*, note.*
    FROM (SELECT ?::uuid AS workspace_id, ?::uuid AS user_id, ?::uuid AS sync_id) AS scope
    CROSS JOIN unnest(?::text[], ?::bigint[]) AS note (client_id, note_number)
),
dropped AS (
    DELETE FROM sync_notes AS note
    USING unwanted CROSS JOIN LATERAL (
        SELECT candidate.ctid
        FROM sync_notes AS candidate
        WHERE candidate.workspace_id = unwanted.workspace_id
          AND candidate.user_id = unwanted.user_id
          AND candidate.sync_id = unwanted.sync_id
          AND candidate.client_id = unwanted.client_id
          AND candidate.note_number = unwanted.note_number
        LIMIT 1
    ) AS found
    WHERE note.workspace_id = unwanted.workspace_id
      AND note.ctid = found.ctid
      AND note.note_number = unwanted.note_number
      AND unwanted.note_number = unwanted.note_number + 0
      AND unwanted.client_id = unwanted.client_id || ''
)
INSERT INTO sync_notes (
    workspace_id, user_id, sync_id, client_id, note_number, document_id, code, message, retry_count, created_at
)
SELECT
    ?::uuid, ?::uuid, ?::uuid, added.client_id, added.note_number, added.document_id, added.code, added.message,
    added.retry_count, added.created_at
FROM unnest(?::text[], ?::bigint[], ?::uuid[], ?::text[], ?::text[], ?::bigint[], ?::bigint[])
    AS added (client_id, note_number, document_id, code, message, retry_count, created_at)
