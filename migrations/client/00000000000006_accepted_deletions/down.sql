DROP TABLE accepted_deletions;
