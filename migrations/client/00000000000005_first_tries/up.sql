-- When an operation was first sent, in microseconds since 1970: it is given up only after some time. 0 = not yet, or not known.
ALTER TABLE outbox ADD COLUMN first_sent_at BIGINT NOT NULL DEFAULT 0;
