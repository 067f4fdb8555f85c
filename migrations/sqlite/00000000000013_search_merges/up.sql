-- A document that changes is taken out of the index and put in again. By default a tenth of removed rows has a segment merged
-- anew, and sixteen segments of a level are merged in one go, while everybody waits for the writer. Half of them, more at a
-- time, and in steps.
INSERT INTO search_index (search_index, rank) VALUES ('automerge', 8);
INSERT INTO search_index (search_index, rank) VALUES ('crisismerge', 64);
INSERT INTO search_index (search_index, rank) VALUES ('deletemerge', 50);
