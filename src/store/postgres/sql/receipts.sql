WITH wanted AS MATERIALIZED (
    SELECT ?::uuid AS workspace_id, ?::uuid AS user_id, ?::text AS device_id, unnest(?::text[]) AS client_id
)
SELECT
    receipt.client_id, receipt.kind, receipt.payload_digest, receipt.document_id, receipt.version, receipt.created_at
FROM wanted
JOIN receipts AS receipt
  ON receipt.workspace_id = wanted.workspace_id
 AND receipt.user_id = wanted.user_id
 AND receipt.device_id = wanted.device_id
 AND receipt.client_id = wanted.client_id
