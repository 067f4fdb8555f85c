DROP TABLE members;
DROP TABLE refresh_tokens;
DROP TABLE external_identities;
DROP TABLE users;
