DROP TABLE staged_operations;
DROP TABLE uploads;
