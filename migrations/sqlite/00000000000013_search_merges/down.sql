INSERT INTO search_index (search_index, rank) VALUES ('automerge', 4);
INSERT INTO search_index (search_index, rank) VALUES ('crisismerge', 16);
INSERT INTO search_index (search_index, rank) VALUES ('deletemerge', 10);
