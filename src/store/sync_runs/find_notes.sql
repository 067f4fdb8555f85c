SELECT
    note.workspace_id, note.user_id, note.sync_id, note.client_id, note.note_number, note.document_id, note.code,
    note.message, note.retry_count, note.created_at
FROM (SELECT ?::uuid AS workspace_id, ?::uuid AS user_id, ?::uuid AS sync_id) AS scope
CROSS JOIN unnest(?::text[]) AS wanted (client_id)
CROSS JOIN LATERAL (
    SELECT candidate.*
    FROM sync_notes AS candidate
    WHERE candidate.workspace_id = scope.workspace_id
      AND candidate.user_id = scope.user_id
      AND candidate.sync_id = scope.sync_id
      AND candidate.client_id = wanted.client_id
    ORDER BY candidate.note_number
) AS note
ORDER BY note.note_number
