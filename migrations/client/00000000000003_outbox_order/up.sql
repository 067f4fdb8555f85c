-- Each operation is queued behind the last one, and the queue is read in its order: neither may take longer the more is queued.
CREATE INDEX outbox_by_position ON outbox (position);
