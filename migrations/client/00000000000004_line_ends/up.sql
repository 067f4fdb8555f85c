-- Files whose lines end in CR LF, or that begin with a byte order mark. A row stays when its document goes, since that may come back.
CREATE TABLE forms (
    document_id TEXT NOT NULL PRIMARY KEY,
    has_crlf BOOLEAN NOT NULL,
    has_mark BOOLEAN NOT NULL
) WITHOUT ROWID;

-- Texts are kept with LF from now on. A document without Yjs state keeps the line ends that it has on the server.
ALTER TABLE bodies ADD COLUMN raw TEXT;
UPDATE bodies SET raw = content WHERE yjs_state IS NULL AND instr(content, char(13, 10)) > 0;
UPDATE bodies SET content = replace(replace(content, char(13, 13, 10), char(10)), char(13, 10), char(10));
UPDATE pending_writes SET old_content = replace(replace(old_content, char(13, 13, 10), char(10)), char(13, 10), char(10));
UPDATE conflicts SET
    base_content = replace(base_content, char(13, 10), char(10)),
    local_content = replace(local_content, char(13, 10), char(10)),
    server_content = replace(server_content, char(13, 10), char(10));
