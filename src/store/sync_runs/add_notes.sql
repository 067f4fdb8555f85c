INSERT INTO sync_notes (
    workspace_id, user_id, sync_id, client_id, note_number, document_id, code, message, retry_count, created_at
)
SELECT
    ?::uuid, ?::uuid, ?::uuid, added.client_id, added.note_number, added.document_id, added.code, added.message,
    added.retry_count, added.created_at
FROM unnest(?::text[], ?::bigint[], ?::uuid[], ?::text[], ?::text[], ?::bigint[], ?::bigint[])
    AS added (client_id, note_number, document_id, code, message, retry_count, created_at)
