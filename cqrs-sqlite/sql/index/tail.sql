SELECT
    position, stream, version, category, kind, coalesce(correlation, id),
    substr(operation, 1, 16), tags
FROM events
WHERE position > ?1
ORDER BY position
