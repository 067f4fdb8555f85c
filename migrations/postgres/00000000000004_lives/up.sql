-- A database begins a new life when it is put back to an earlier state: from a dump, or by hand. The newest row is the
-- current one. The generation is random, so that two restores of one dump differ; no version below the floor is given
-- out in this life. `place` says which database this was when it was last opened: one made anew from a dump is another
-- one. `mark` is for SQLite's files.
CREATE TABLE lives (
    life          BIGINT NOT NULL PRIMARY KEY,
    generation    BIGINT NOT NULL,
    version_floor BIGINT NOT NULL,
    began_at      BIGINT NOT NULL,
    place         TEXT,
    mark          BIGINT NOT NULL
);

INSERT INTO lives (life, generation, version_floor, began_at, mark) VALUES (1, 0, 0, 0, 0);

-- Copies of the current life's, so that the row that every batch locks says all that a batch needs.
ALTER TABLE workspaces ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN version_floor BIGINT NOT NULL DEFAULT 0;
