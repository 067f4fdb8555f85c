DROP TABLE receipts;
DROP TABLE document_bodies;
DROP TABLE document_log;
DROP TABLE documents;
DROP TABLE workspaces;
