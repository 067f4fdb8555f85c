DROP TABLE purges;
DROP INDEX refresh_tokens_by_end;
DROP INDEX receipts_by_age;
