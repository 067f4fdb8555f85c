ALTER TABLE workspaces DROP COLUMN version_floor;
ALTER TABLE workspaces DROP COLUMN generation;
DROP TABLE lives;
