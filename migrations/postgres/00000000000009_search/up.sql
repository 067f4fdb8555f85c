-- What can be found, made in the background from what is stored: nothing here is needed for anything else.

-- How far each workspace's feed is in the index, and in which form its terms are. Behind, or without a row: it is indexed.
CREATE TABLE search_progress (
    workspace_id UUID     NOT NULL PRIMARY KEY,
    sequence     BIGINT   NOT NULL,
    form         SMALLINT NOT NULL
);

-- The terms are made by the program, and none stands in two workspaces: each has its workspace's name before it. No places
-- are kept.
CREATE TABLE search_entries (
    workspace_id UUID     NOT NULL,
    document_id  UUID     NOT NULL,
    sequence     BIGINT   NOT NULL,
    terms        TSVECTOR NOT NULL,
    PRIMARY KEY (workspace_id, document_id)
);

-- Terms are read through the index alone. Out of line, they do not make the rows large that a search reads.
ALTER TABLE search_entries ALTER COLUMN terms SET STORAGE EXTERNAL;
ALTER TABLE search_entries SET (toast_tuple_target = 128);

-- A search reads what waits to be put into the index from end to end: so little may wait.
CREATE INDEX search_entries_by_term ON search_entries USING gin (terms) WITH (gin_pending_list_limit = 256);
