-- For SQLite alone: on Postgres rows have always been appended.
SELECT 1;
