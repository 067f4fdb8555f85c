DELETE FROM sync_notes AS note
USING (SELECT ?::uuid AS workspace_id, ?::uuid AS user_id, ?::uuid AS sync_id) AS scope
CROSS JOIN unnest(?::text[], ?::bigint[]) AS unwanted (client_id, note_number)
CROSS JOIN LATERAL (
    SELECT candidate.ctid
    FROM sync_notes AS candidate
    WHERE candidate.workspace_id = scope.workspace_id
      AND candidate.user_id = scope.user_id
      AND candidate.sync_id = scope.sync_id
      AND candidate.client_id = unwanted.client_id
      AND candidate.note_number = unwanted.note_number
    LIMIT 1
) AS found
WHERE note.workspace_id = scope.workspace_id
  AND note.ctid = found.ctid
  AND note.note_number = unwanted.note_number
  AND unwanted.note_number = unwanted.note_number + 0
  AND unwanted.client_id = unwanted.client_id || ''
