DROP TABLE search_index;
DROP TABLE search_entries;
DROP TABLE search_progress;
