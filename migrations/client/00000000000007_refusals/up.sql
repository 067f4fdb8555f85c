-- Files that cannot be synced as they are: each is reported once.
CREATE TABLE refusals (
    path TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL
) WITHOUT ROWID;

-- Whether a document is left out for as long as its title stays as it is.
ALTER TABLE left_out ADD COLUMN is_refusal BOOLEAN NOT NULL DEFAULT FALSE;
