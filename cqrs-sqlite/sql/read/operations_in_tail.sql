SELECT position, substr(operation, 1, 16) FROM events WHERE position > ?1 AND operation IS NOT NULL
