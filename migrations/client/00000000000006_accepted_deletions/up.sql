-- Deletions that a person agreed to, however many they are.
CREATE TABLE accepted_deletions (
    document_id TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;
