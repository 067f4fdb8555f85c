WITH unwanted AS MATERIALIZED (
    SELECT
        ?::uuid AS workspace_id, ?::uuid AS user_id, ?::uuid AS sync_id, unnest(?::text[]) AS client_id,
        unnest(?::bigint[]) AS note_number
),
dropped AS (
    DELETE FROM sync_notes AS note
    USING unwanted
    WHERE note.workspace_id = unwanted.workspace_id
      AND note.user_id = unwanted.user_id
      AND note.sync_id = unwanted.sync_id
      AND note.client_id = unwanted.client_id
      AND note.note_number = unwanted.note_number
)
INSERT INTO sync_notes (
    workspace_id, user_id, sync_id, client_id, note_number, document_id, code, message, retry_count, created_at
)
SELECT
    ?::uuid, ?::uuid, ?::uuid, added.client_id, added.note_number, added.document_id, added.code, added.message,
    added.retry_count, added.created_at
FROM unnest(?::text[], ?::bigint[], ?::uuid[], ?::text[], ?::text[], ?::bigint[], ?::bigint[])
    AS added (client_id, note_number, document_id, code, message, retry_count, created_at)
