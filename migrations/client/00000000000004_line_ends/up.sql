-- Files whose lines end in CR LF, or that begin with a byte order mark. A row stays when its document goes, since that may come back.
CREATE TABLE forms (
    document_id TEXT NOT NULL PRIMARY KEY,
    has_crlf BOOLEAN NOT NULL,
    has_mark BOOLEAN NOT NULL
) WITHOUT ROWID;

-- Texts are kept with LF from now on.
UPDATE bodies SET content = replace(replace(content, char(13, 13, 10), char(10)), char(13, 10), char(10));
UPDATE pending_writes SET old_content = replace(replace(old_content, char(13, 13, 10), char(10)), char(13, 10), char(10));
UPDATE conflicts SET
    base_content = replace(base_content, char(13, 10), char(10)),
    local_content = replace(local_content, char(13, 10), char(10)),
    server_content = replace(server_content, char(13, 10), char(10));
