INSERT INTO sync_runs (
    workspace_id, user_id, sync_id, device_id, direction, status, total, succeeded, failed, skipped, batches,
    current_operation, notes, started_at, updated_at, finished_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (workspace_id, user_id, sync_id) DO UPDATE SET
    status = excluded.status, total = excluded.total, succeeded = excluded.succeeded, failed = excluded.failed,
    skipped = excluded.skipped, batches = excluded.batches, current_operation = excluded.current_operation,
    notes = excluded.notes, started_at = excluded.started_at, updated_at = excluded.updated_at,
    finished_at = excluded.finished_at
