ALTER TABLE left_out DROP COLUMN is_refusal;
DROP TABLE refusals;
