DROP INDEX outbox_by_position;
