-- Nothing to take back: texts are derived when they are shown.
SELECT 1;
