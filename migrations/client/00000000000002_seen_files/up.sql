-- What tells a file from another of the same size and time. -1: never seen, so the file is read once more.
ALTER TABLE files ADD COLUMN changed_ns BIGINT NOT NULL DEFAULT -1;
ALTER TABLE files ADD COLUMN inode BIGINT NOT NULL DEFAULT -1;
