-- For SQLite alone: Postgres has no such settings.
SELECT 1;
