SELECT position, header, substr(operation, 1, 16), tags
FROM events
WHERE position > ?1
ORDER BY position
