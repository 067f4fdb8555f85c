-- What can be found, made in the background from what is stored: nothing here is needed for anything else.

-- How far each workspace's feed is in the index, and in which form its terms are. Behind, or without a row: it is indexed.
CREATE TABLE search_progress (
    workspace_id BLOB    NOT NULL PRIMARY KEY,
    sequence     INTEGER NOT NULL,
    form         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which document an entry of the index is of. Entries are numbered in the order of the feed: what changed last has the
-- highest number, and is read first.
CREATE TABLE search_entries (
    entry        INTEGER NOT NULL PRIMARY KEY,
    workspace_id BLOB    NOT NULL,
    document_id  BLOB    NOT NULL,
    sequence     INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX search_entries_by_document ON search_entries (workspace_id, document_id);
CREATE INDEX search_entries_by_sequence ON search_entries (workspace_id, sequence);

-- The terms are made by the program, and none stands in two workspaces: each has its workspace's name before it. Which
-- documents have a term is all that is kept: no texts, no places. Beginnings of terms are kept too, behind the 14 characters that
-- stand before each: of one character, as single signs are searched, and of three and four, which many terms share.
CREATE VIRTUAL TABLE search_index USING fts5(
    terms, content = '', contentless_delete = 1, detail = none, prefix = '15 17 18', tokenize = 'ascii'
);
