-- A database begins a new life when it is put back to an earlier state: from a backup, or as a copy. The newest row is
-- the current one. The generation is random, so that two restores of one backup differ; no version below the floor is
-- given out in this life. `place` says which file this database was in when it was last opened, and `mark` goes up with
-- the marker beside that file: a copy has another place, an older content an older mark.
CREATE TABLE lives (
    life          INTEGER NOT NULL PRIMARY KEY,
    generation    INTEGER NOT NULL,
    version_floor INTEGER NOT NULL,
    began_at      INTEGER NOT NULL,
    place         TEXT,
    mark          INTEGER NOT NULL
) STRICT;

INSERT INTO lives (life, generation, version_floor, began_at, mark) VALUES (1, 0, 0, 0, 0);

-- Copies of the current life's, so that the row that every batch locks says all that a batch needs.
ALTER TABLE workspaces ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN version_floor INTEGER NOT NULL DEFAULT 0;
