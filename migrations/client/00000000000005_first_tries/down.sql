ALTER TABLE outbox DROP COLUMN first_sent_at;
