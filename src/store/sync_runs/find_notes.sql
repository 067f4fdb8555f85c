WITH wanted AS MATERIALIZED (
    SELECT ?::uuid AS workspace_id, ?::uuid AS user_id, ?::uuid AS sync_id, unnest(?::text[]) AS client_id
)
SELECT
    note.workspace_id, note.user_id, note.sync_id, note.client_id, note.note_number, note.document_id, note.code,
    note.message, note.retry_count, note.created_at
FROM wanted
JOIN sync_notes AS note
  ON note.workspace_id = wanted.workspace_id
 AND note.user_id = wanted.user_id
 AND note.sync_id = wanted.sync_id
 AND note.client_id = wanted.client_id
ORDER BY note.note_number
