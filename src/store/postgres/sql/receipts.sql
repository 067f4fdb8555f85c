SELECT
    receipt.client_id, receipt.kind, receipt.payload_digest, receipt.document_id, receipt.version, receipt.created_at
FROM (SELECT ?::uuid AS workspace_id, ?::uuid AS user_id, ?::text AS device_id) AS scope
CROSS JOIN unnest(?::text[]) AS wanted (client_id)
CROSS JOIN LATERAL (
    SELECT candidate.*
    FROM receipts AS candidate
    WHERE candidate.workspace_id = scope.workspace_id
      AND candidate.user_id = scope.user_id
      AND candidate.device_id = scope.device_id
      AND candidate.client_id = wanted.client_id
    LIMIT 1
) AS receipt
